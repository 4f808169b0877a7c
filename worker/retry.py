"""Trying again, with growing pauses, what something outside has kept from happening."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import exc

log = logging.getLogger(__name__)

DATABASE_AWAY = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
"""What SQLAlchemy raises while PostgreSQL restarts or cannot be reached."""

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 15.0
_POLL_SECONDS = 0.5

Result = TypeVar("Result")


def retry(
    action: Callable[[], Result],
    *,
    transient: tuple[type[Exception], ...],
    check: Callable[[], None],
    seconds: float = float("inf"),
    once: tuple[type[Exception], ...] = (),
) -> Result:
    """The result of `action`, which is tried again as long as it raises what is `transient`.

    Once `seconds` have gone by its last exception is let through. What is worth one more try after a long
    pause, and no third, is named by `once`. `check` is called before every try and all through the pauses;
    what it raises ends the waiting.
    """
    until, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        check()
        try:
            return action()
        except once as error:
            log.warning("one more try (%s)", type(error).__name__)
            once, pause = (), _LONGEST_PAUSE
        except transient as error:
            if time.monotonic() + pause > until:
                raise
            log.warning("waiting to try again (%s)", type(error).__name__)
        # Workers that lost the same server must not all come back at the same moment.
        _sleep(pause * random.uniform(0.5, 1.0), check)  # noqa: S311 - no secret
        pause = min(2 * pause, _LONGEST_PAUSE)


def _sleep(seconds: float, check: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _POLL_SECONDS))
        check()
