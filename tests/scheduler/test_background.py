"""Rounds that run next to the scheduler's own."""

import logging
import threading

import pytest
from sqlalchemy.exc import OperationalError

from scheduler.background import Background


class Failing(Background):
    """Fails in its first two rounds, and stops itself in the third."""

    name = "failing"

    def __init__(self) -> None:
        super().__init__(0.01, at_once=True)
        self.errors = [OperationalError("select 1", {}, Exception("gone")), ValueError("wrong")]
        self.ran = 0
        self.ended = threading.Event()

    def round(self) -> None:
        self.ran += 1
        if self.errors:
            raise self.errors.pop(0)
        self.stop()
        self.ended.set()


def test_a_failed_round_is_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    failing = Failing()
    with caplog.at_level(logging.WARNING):
        failing.start()
        assert failing.ended.wait(60)
    assert failing.ran == 3
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said == [
        ("WARNING", "failing: a round was postponed (gone)"),
        ("ERROR", "failing: a round failed; the next one tries again"),
    ]


def test_a_round_in_which_it_is_stopped_is_the_last() -> None:
    failing = Failing()
    failing.errors = []
    failing.start()
    assert failing.ended.wait(60)
    failing._thread.join(60)
    assert (failing.ran, failing._thread.is_alive()) == (1, False)
