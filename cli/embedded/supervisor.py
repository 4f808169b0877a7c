"""Keeping processes alive: started in order, started again when they die, stopped in the reverse order."""

import time

from cli.embedded.process import EmbeddedError, OwnedProcess
from cli.embedded.signals import on_signals
from cli.terminal import clean, out

_LOOK_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_PROVEN_SECONDS = 60.0


class Supervisor:
    """The processes that should run. Each stands on the ones that were started before it."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._watched: list[_Watched] = []

    def start(self, process: OwnedProcess) -> None:
        """Start a process, and answer for it from now on."""
        began = time.monotonic()
        process.start()
        self._watched.append(_Watched(process))
        say(f"{process.name} started in {time.monotonic() - began:.1f} s (process {process.pid})")

    def watch(self) -> None:
        """Start again whatever dies. Ends by an exception only, such as KeyboardInterrupt."""
        while True:
            for watched in self._watched:
                watched.look()
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """Stop everything, the last started first, each within its bound; a signal cuts that short."""
        with on_signals(self._kill):
            for watched in reversed(self._watched):
                watched.process.stop()
                say(f"{watched.process.name} stopped")

    def _kill(self) -> None:
        for watched in self._watched:
            watched.process.kill()


class _Watched:
    """A process, and how it has fared."""

    def __init__(self, process: OwnedProcess) -> None:
        self.process = process
        self._started = time.monotonic()
        self._failures = 0
        self._resume_at: float | None = None

    def look(self) -> None:
        """Start the process again if it has died: at once the first time, later after growing pauses."""
        if self.process.running:
            return
        now = time.monotonic()
        if self._resume_at is None:
            self._failures = self._failures + 1 if now - self._started < _PROVEN_SECONDS else 0
            pause = min(2.0**self._failures - 1, _LONGEST_PAUSE_SECONDS)
            self._resume_at = now + pause
            say(f"{self.process.name} has died; starting it again in {pause:g} s (log: {self.process.log})")
        if now >= self._resume_at:
            self._start_again()

    def _start_again(self) -> None:
        self._resume_at = None
        self.process.stop()
        try:
            self.process.start()
        except EmbeddedError as error:
            say(clean(error))
        else:
            say(f"{self.process.name} started again (process {self.process.pid})")
        self._started = time.monotonic()


def say(text: str) -> None:
    """One event, one line."""
    out.print(f"{time.strftime('%H:%M:%S')}  {text}")
