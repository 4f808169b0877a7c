"""Reports that an attempt waits for the store, and when it no longer does."""

import time
from collections.abc import Callable
from functools import partial

from sqlalchemy.orm import Session

from jobs.lifecycle import sent_files
from jobs.lifecycle.lifecycle import Claim
from jobs.retry import Pause

_REPORT_AFTER_SECONDS = 1.0  # shorter failures of the store are not reported


class StoreWait:
    """Reports one transfer that waits for the store, if that takes longer than a moment."""

    def __init__(self, write: Callable[[Callable[[Session, Claim], bool]], None]) -> None:
        self._write = write
        self._failed_at: float | None = None
        self._tries = 0
        self._is_reported = False

    def report(self, pause: Pause) -> None:
        """Say that it waits: since when, how often it was tried, and when it is again."""
        now = time.monotonic()
        self._failed_at = self._failed_at or now
        self._tries = pause.tries
        waited = now - self._failed_at
        if waited + pause.seconds < _REPORT_AFTER_SECONDS:
            return
        is_new, self._is_reported = not self._is_reported, True
        self._write(
            partial(
                sent_files.waits,
                what=str(pause.error),
                waited=waited,
                tries=pause.tries,
                pause=pause.seconds,
                is_new=is_new,
            )
        )

    def report_end(self) -> None:
        """Report the end of the wait, if the wait was reported."""
        if self._failed_at is not None and self._is_reported:
            lasted = f"{self._tries} failed tries in {time.monotonic() - self._failed_at:.0f} s"
            message = f"the store answers again, after {lasted}"
            self._write(partial(sent_files.record_store_recovery, message=message))
