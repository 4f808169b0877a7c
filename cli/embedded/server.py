"""The base of the embedded PostgreSQL and Valkey: a port on loopback and a password."""

import secrets
import socket
from abc import abstractmethod
from pathlib import Path

from cli.embedded.process import OwnedProcess

LOOPBACK = "127.0.0.1"


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
    """Return a TCP port on loopback that is not in use."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
