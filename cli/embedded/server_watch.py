"""Says on the terminal that PostgreSQL or Valkey runs and does not answer: nobody restarts it then."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from cli.embedded.server import EmbeddedServer
from cli.embedded.supervisor import say

_CHECK_SECONDS = 2.0
_SILENT_SECONDS = 10.0
"""So long a server may be busy, or start again, before it is said not to answer."""


class _Asked:
    """One server, and whether it has answered of late."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._answered_at = time.monotonic()
        self._silent = False

    def ask(self, ended: threading.Event) -> None:
        """Ask it again and again. It may hang in the middle of an answer, so `note` has another thread."""
        while not ended.wait(_CHECK_SECONDS):
            if self._server.answers() or not self._server.running:  # who supervises it says that it has died
                self._answered_at = time.monotonic()

    def note(self) -> None:
        """Say that it does not answer, and that it does again, each time that this changes."""
        seconds, name = time.monotonic() - self._answered_at, self._server.name
        if seconds > _SILENT_SECONDS and not self._silent:
            self._silent = True
            since = datetime.fromtimestamp(time.time() - seconds).astimezone()
            say(
                f"{name} (process {self._server.pid}) has not answered since {since:%H:%M:%S}: no job begins "
                f"until it does (log: {self._server.log})"
            )
        elif seconds <= _SILENT_SECONDS and self._silent:
            self._silent = False
            say(f"{name} answers again")


@contextmanager
def servers_watched(servers: Sequence[EmbeddedServer]) -> Iterator[None]:
    """While active, say of each server when it does not answer for a while."""
    ended, asked = threading.Event(), [_Asked(server) for server in servers]

    def note() -> None:
        while not ended.wait(_CHECK_SECONDS):
            for each in asked:
                each.note()

    for each in asked:
        threading.Thread(target=each.ask, args=(ended,), name="server watch", daemon=True).start()
    threading.Thread(target=note, name="server watch", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
