"""Waits for what another thread or process does."""

import time
from collections.abc import Callable

import pytest


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
