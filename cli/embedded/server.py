"""What the embedded PostgreSQL and Valkey have in common: a port on loopback, and a password."""

import secrets
import socket
from abc import abstractmethod
from pathlib import Path

from cli.embedded.process import OwnedProcess

LOOPBACK = "127.0.0.1"


class EmbeddedServer(OwnedProcess):
    """A server on loopback with a password: `with Server(directory) as server: use(server.url)`.

    The port is chosen once, so that a server which is stopped and started again is found where it was.
    """

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        """`directory` is made by `start`; without a `port` a free one is taken."""
        super().__init__(directory)
        self.port = port or free_port()

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect, password included."""

    def _password(self) -> str:
        """The password, made at the first start, in a file that only its user can read."""
        path = self.directory / "password"
        if not path.exists():
            temporary = path.with_suffix(".new")
            temporary.unlink(missing_ok=True)
            temporary.touch(0o600)
            temporary.write_text(secrets.token_urlsafe(32))
            temporary.rename(path)
        return path.read_text()


def free_port() -> int:
    """A TCP port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
