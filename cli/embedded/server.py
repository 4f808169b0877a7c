"""The base of the embedded PostgreSQL and Valkey: a port on loopback and a password."""

import secrets
import socket
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path

from cli.embedded.process import OwnedProcess

LOOPBACK = "127.0.0.1"
_PORTS = range(20_000, 32_768)


class EmbeddedServer(OwnedProcess):
    """A server on loopback with a password: `with Server(directory) as server: use(server.url)`.

    The port is chosen once, so that clients find the server again after a restart.
    """

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        """`directory` is created by `start`; the default `port` is a free one."""
        super().__init__(directory)
        self.port = port or free_port()

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL for clients, with the password."""

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
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
