"""The base of the embedded PostgreSQL and Valkey: a port on loopback and a password."""

import secrets
import socket
from abc import abstractmethod
from pathlib import Path

from cli.embedded.process import OwnedProcess

LOOPBACK = "127.0.0.1"
_PORTS = range(20_000, 32_768)


class EmbeddedServer(OwnedProcess):
    """A server on loopback with a password: `with Server(directory) as server: use(server.url)`.

    The port is chosen once and kept in a file, so that clients find the server again after a restart.
    """

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        """`directory` is created by `start`; the default `port` is that of the last start, or a free one."""
        super().__init__(directory)
        self._port_file = None if port else self.directory / "port"
        self.port = port or self._kept_port() or free_port()

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL for clients, with the password."""

    def _prepare(self) -> None:
        """Keep the port. At the first start here, another one is chosen if another program has taken it."""
        if self._port_file is not None:
            if refusal_of(self.port) is not None:
                self.port = free_port()
            if self.port != self._kept_port():  # on a full disk, writing would leave the file empty
                self._port_file.write_text(f"{self.port}\n", encoding="ascii")
            self._port_file = None

    def _kept_port(self) -> int | None:
        try:
            port = int((self.directory / "port").read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None
        return port if port in _PORTS else None

    def _password(self, file: str = "password") -> str:
        """Return a password, which the first start writes to a file that only its user can read."""
        path = self.directory / file
        if not path.exists():
            temporary = path.with_suffix(".new")
            temporary.unlink(missing_ok=True)
            temporary.touch(0o600)
            temporary.write_text(secrets.token_urlsafe(32))
            temporary.rename(path)
        return path.read_text()


def free_port() -> int:
    """Return a TCP port on loopback that is not in use.

    It is below those that outgoing connections get, on Linux and by the IANA: one could take it before its
    server does, or while that starts again.
    """
    while True:
        port = secrets.choice(_PORTS)
        if refusal_of(port) is None:
            return port


def refusal_of(port: int) -> OSError | None:
    """Return why no server could listen on a TCP port of loopback; None if one could."""
    with socket.socket() as probe:
        # As the servers do, so that connections in TIME_WAIT do not make the port appear taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error
    return None
