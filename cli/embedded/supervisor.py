"""Start processes in order, restart those that die, and stop them in the reverse order or on a signal."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from cli.embedded.process import EmbeddedError, OwnedProcess, print_line
from cli.terminal import clean

# Ctrl-C, `kill`, and a closed terminal.
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def on_signals(action: Callable[[], None]) -> Iterator[None]:
    """Call `action` in the main thread for each of these signals."""

    def handle(_signal: int, _frame: FrameType | None) -> None:
        action()

    before = {number: signal.signal(number, handle) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt() -> None:
    """Interrupt the main thread as Ctrl-C does by default."""
    raise KeyboardInterrupt


_CHECK_SECONDS = 0.5
_MAX_PAUSE_SECONDS = 30.0
_STABLE_SECONDS = 60.0


class Supervisor:
    """Supervises processes, each of which depends on those started before it."""

    def __init__(self) -> None:
        self._watched: list[_Supervised] = []

    def start(self, process: OwnedProcess) -> None:
        """Start a process and supervise it."""
        began = time.monotonic()
        process.start()
        self._watched.append(_Supervised(process))
        print_line(f"{process.name} started in {time.monotonic() - began:.1f} s (process {process.pid})")

    def watch(self, until: threading.Event | None = None, *, seconds: float = math.inf) -> None:
        """Restart processes that die, until an event, for `seconds` at most; an exception ends it too."""
        until = until or threading.Event()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not until.is_set():
            for watched in self._watched:
                watched.check()
            until.wait(_CHECK_SECONDS)

    def stop(self) -> None:
        """Stop all processes, the last started first. A signal meanwhile kills them."""
        with on_signals(self._kill):
            for watched in reversed(self._watched):
                watched.process.stop()
                print_line(f"{watched.process.name} stopped")

    def _kill(self) -> None:
        for watched in self._watched:
            watched.process.kill()


class _Supervised:
    """A supervised process and its failures."""

    def __init__(self, process: OwnedProcess) -> None:
        self.process = process
        self._started = time.monotonic()
        self._failures = 0
        self._restart_at: float | None = None

    def check(self) -> None:
        """Restart the process if it has ended: at once the first time, later with exponential backoff.

        A worker that was drained ends in order.
        """
        if self.process.running:
            return
        now = time.monotonic()
        if self._restart_at is None:
            self._failures = self._failures + 1 if now - self._started < _STABLE_SECONDS else 0
            pause = min(2.0**self._failures - 1, _MAX_PAUSE_SECONDS)
            self._restart_at = now + pause
            ended = "has ended in order" if self.process.exited_cleanly else "has died"
            print_line(f"{self.process.name} {ended}; restarting it in {pause:g} s (log: {self.process.log})")
        if now >= self._restart_at:
            self._restart()

    def _restart(self) -> None:
        self._restart_at = None
        self.process.stop()
        try:
            self.process.start()
        except (EmbeddedError, OSError) as error:
            print_line(f"{self.process.name} cannot be started, and is tried again: {clean(error)}")
        else:
            print_line(f"{self.process.name} restarted (process {self.process.pid})")
        self._started = time.monotonic()
