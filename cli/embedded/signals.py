"""The signals that ask a program to end."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Ctrl-C, `kill`, and a terminal that was closed.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def on_signals(action: Callable[[], None]) -> Iterator[None]:
    """Do `action` in the main thread for each of them."""

    def handle(_signal: int, _frame: FrameType | None) -> None:
        action()

    before = {number: signal.signal(number, handle) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt() -> None:
    """As Ctrl-C does in Python: break off what is being waited for."""
    raise KeyboardInterrupt
