"""PgBouncer in transaction mode before an embedded PostgreSQL, as docs/operations.md says."""

import os
import pwd
import resource
import shutil
from collections.abc import Sequence
from pathlib import Path
from signal import SIGINT
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.engine import URL, make_url

from cli.embedded.server import LOOPBACK, EmbeddedServer

_CONFIGURATION = """\
[databases]
{database} = host={host} port={server_port} dbname={database} user={user} password={password}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {users}
admin_users = {user}
pool_mode = transaction
max_client_conn = 10000
default_pool_size = {most}
max_db_connections = {most}
max_prepared_statements = 200
ignore_startup_parameters = options
log_connections = 0
log_disconnections = 0
"""


class PgBouncer(EmbeddedServer):
    """Debian's package of that name. It holds at most `most` connections of the server."""

    name = "pgbouncer"
    stop_signal = SIGINT

    def __init__(self, directory: Path, server_url: str, most: int) -> None:
        super().__init__(directory)
        self._server = make_url(server_url)
        self._most = most

    @property
    def url(self) -> str:
        """That of the service: all of its connections have one name, so that PgBouncer sends no SET."""
        url = make_url(self._at(self._server.database))
        named = url.update_query_dict({"application_name": "pruneserve"})
        return named.render_as_string(hide_password=False)

    def pools(self) -> list[dict[str, Any]]:
        """Return the pools as PgBouncer shows them: clients that wait, for how long, servers in use."""
        # Its console speaks the simple protocol alone.
        with psycopg.connect(
            self._at("pgbouncer"),
            autocommit=True,
            cursor_factory=psycopg.ClientCursor,
            row_factory=dict_row,
        ) as console:
            return console.execute("SHOW POOLS").fetchall()

    def _at(self, database: str | None) -> str:
        url: URL = self._server.set(port=self.port, database=database)
        return url.render_as_string(hide_password=False)

    def _prepare(self) -> None:
        if shutil.which("pgbouncer") is None:
            raise SystemExit("PgBouncer is needed: Debian's package pgbouncer")
        server, users = self._server, self.directory / "users"
        users.write_text(f'"{server.username}" "{server.password}"\n')
        values = {"database": server.database, "user": server.username, "password": server.password}
        places = {"host": LOOPBACK, "port": self.port, "server_port": server.port, "users": users}
        configuration = self.directory / "pgbouncer.ini"
        configuration.write_text(_CONFIGURATION.format(**values, **places, most=self._most))
        if os.geteuid() == 0:  # as which it refuses to run
            nobody = pwd.getpwnam("nobody")
            for path in (self.directory, users, configuration):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            for parent in self.directory.parents[:-2]:
                parent.chmod(parent.stat().st_mode | 0o011)

    def _command(self) -> Sequence[str]:
        as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
        return [str(shutil.which("pgbouncer")), *as_user, str(self.directory / "pgbouncer.ini")]

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def allow_many_files() -> None:
    """Raise this process's limit of open files, and that of those that it starts, as far as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
