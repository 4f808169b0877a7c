"""Threads that run rounds of their own until they are stopped, and the pause between rounds."""

import logging
import threading
from abc import ABC, abstractmethod
from typing import ClassVar

from jobs.database import DATABASE_UNAVAILABLE, in_one_line

log = logging.getLogger(__name__)

_FAULT_BACKOFF_SECONDS = 2.0


class Pause:
    """The pause between the rounds of one thread. Others cut it short when there is work, or end it.

    A call while a round runs cuts the next pause short: the round may have read too early.
    """

    def __init__(self, least: float = 0.02) -> None:
        """`least`: the seconds of a pause that is cut short, so that many calls together cost one round."""
        self._least = least
        self._stopped = threading.Event()
        self._called = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether no other round is to begin."""
        return self._stopped.is_set()

    def wait(self, seconds: float, *, whole: bool = False) -> bool:
        """Wait so many seconds, or until it is cut short, unless `whole`. Returns whether it is stopped."""
        least = seconds if whole else min(self._least, seconds)
        if not self._stopped.wait(least):
            self._called.wait(seconds - least)
            self._called.clear()
        return self.stopped

    def cut_short(self) -> None:
        """Let the next round begin soon."""
        self._called.set()

    def stop(self) -> None:
        """Let no other round begin."""
        self._stopped.set()
        self._called.set()


class Background(ABC):
    """Runs one round after another in the background. After one that fails, the next one tries again."""

    name: ClassVar[str]
    """Of the thread, and in the log."""

    def __init__(self, pause: float, *, after_failure: float | None = None, at_once: bool = False) -> None:
        """`pause`: seconds between rounds; `after_failure`: behind one that failed, if these are others.

        `at_once`: the first round does not wait for the pause.
        """
        self._pause = pause
        self._after_failure = pause if after_failure is None else after_failure
        self._at_once = at_once
        self._between = Pause()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def wake(self) -> None:
        """Start the next round soon, unless the last one failed."""
        self._between.cut_short()

    def stop(self) -> None:
        """Start no other round. The current one is not waited for: a disk, a store or the Hub may hang."""
        self._between.stop()

    @abstractmethod
    def round(self) -> object:
        """Run one round."""

    def _run(self) -> None:
        pause, failed = 0.0 if self._at_once else self._pause, False
        while not self._between.wait(pause, whole=failed):
            try:
                self.round()
                pause, failed = self._pause, False
            except DATABASE_UNAVAILABLE as error:
                log.warning("%s: a round was postponed (%s)", self.name, in_one_line(error))
                pause, failed = self._after_failure, True
            except Exception:
                log.exception("%s: a round failed; the next one tries again", self.name)
                # It fails again, as without the table that it reads, until an operator repairs it.
                pause, failed = max(self._after_failure, _FAULT_BACKOFF_SECONDS), True
