"""The time between two rounds."""

import threading


class Pause:
    """Lies between the rounds of one thread. Others cut it short when there is something to do, or end it.

    What cuts it short while a round runs does so to the pause behind it: the round may have read too early.
    """

    def __init__(self, least: float) -> None:
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
