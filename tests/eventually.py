"""Waits for what another thread or process does."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import text

from jobs.database import Database


def eventually(
    condition: Callable[[], object],
    *,
    seconds: float = 120,
    every: float = 0.01,
    told: Callable[[], str] = lambda: "timed out",
) -> None:
    """Wait until a condition holds. `told`: what is said where it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(every)


_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def waiting_for_locks(database: Database) -> int:
    """How many connections to this database wait for a lock."""
    with database.begin() as session:  # what one transaction sees of the others stays the same
        return session.scalars(text(_WAITING)).one()


class Printed:
    """What was printed so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._shown = capsys, ""

    @property
    def shown(self) -> str:
        self._shown += self._capsys.readouterr().out
        return self._shown

    def wait_for(self, text: str) -> None:
        eventually(lambda: text in self.shown, told=lambda: self.shown)
