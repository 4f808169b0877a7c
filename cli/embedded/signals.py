"""Handle the signals that ask a program to stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

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
