"""Reports on the terminal that PostgreSQL, Valkey or the API runs and does not answer, or has a full disk.

Nothing restarts it then.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from cli.embedded.process import OwnedProcess
from cli.embedded.supervisor import say

_CHECK_SECONDS = 2.0
_SILENT_SECONDS = 10.0
"""How long a server may be busy, or start again, before it is reported not to answer."""


class _Watched:
    """One server: when it last answered, and whether its disk was full then."""

    def __init__(self, server: OwnedProcess) -> None:
        self._server = server
        self._answered_at = time.monotonic()
        self._is_full = False
        self._reported_silent = self._reported_full = False

    def ask(self, ended: threading.Event) -> None:
        """Ask it again and again. It may hang in the middle of an answer, so `note` has another thread."""
        while not ended.wait(_CHECK_SECONDS):
            if self._server.answers():
                self._is_full = self._server.disk_is_full()
                self._answered_at = time.monotonic()
            elif not self._server.running:  # the supervisor reports that it has died
                self._answered_at = time.monotonic()

    def note(self) -> None:
        """Report that it does not answer or has a full disk, and that this is over, each time it changes."""
        self._note_silence()
        self._note_full_disk()

    def _note_silence(self) -> None:
        seconds, server = time.monotonic() - self._answered_at, self._server
        is_silent = seconds > _SILENT_SECONDS
        if is_silent and not self._reported_silent:
            since = datetime.fromtimestamp(time.time() - seconds).astimezone()
            say(
                f"{server.name} (process {server.pid}) has not answered since {since:%H:%M:%S}: "
                f"{server.stalls} until it does (log: {server.log})"
            )
        elif not is_silent and self._reported_silent:
            say(f"{server.name} answers again")
        self._reported_silent = is_silent

    def _note_full_disk(self) -> None:
        is_full, server = self._is_full, self._server
        if is_full and not self._reported_full:
            say(
                f"the disk of {server.name} is full: {server.stalls} until there is room on the disk of "
                f"{server.directory}; nothing needs a restart"
            )
        elif not is_full and self._reported_full:
            say(f"{server.name} has room on its disk again")
        self._reported_full = is_full


@contextmanager
def watch_servers(servers: Sequence[OwnedProcess]) -> Iterator[None]:
    """While active, report of each server that it does not answer for a while, or has no room on its disk."""
    ended, watched = threading.Event(), [_Watched(server) for server in servers]

    def note() -> None:
        while not ended.wait(_CHECK_SECONDS):
            for each in watched:
                each.note()

    for each in watched:
        threading.Thread(target=each.ask, args=(ended,), name="server watch", daemon=True).start()
    threading.Thread(target=note, name="server watch", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
