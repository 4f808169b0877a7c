"""Retries transient failures with exponential backoff.

Built on tenacity. `check` runs before every try and throughout every wait, so that a worker which waits for a
server still notices a cancelled job, a lost lease or a shutdown: whatever `check` raises ends the retries.
"""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_random_exponential,
)

log = logging.getLogger(__name__)

_FIRST_WAIT_SECONDS = 0.2
_MAX_WAIT_SECONDS = 15.0
_SECONDS_BETWEEN_CHECKS = 0.5

Result = TypeVar("Result")
Errors = tuple[type[Exception], ...]


def retry(
    action: Callable[[], Result], *, on: Errors, check: Callable[[], None], timeout: float = float("inf")
) -> Result:
    """Return the result of `action`, retrying while it raises one of the errors in `on`.

    The waits grow exponentially, with jitter, so that workers which lost the same server do not all return at
    once. The last error is raised as soon as the next try would begin more than `timeout` seconds after the
    first failure: an action may take longer than that.
    """
    failed_at: float | None = None

    def is_over(state: RetryCallState) -> bool:
        nonlocal failed_at
        now = time.monotonic()
        failed_at = now if failed_at is None else failed_at
        return now - failed_at + state.upcoming_sleep >= timeout

    retrying = Retrying(
        retry=retry_if_exception_type(on),
        wait=wait_random_exponential(multiplier=_FIRST_WAIT_SECONDS, max=_MAX_WAIT_SECONDS),
        stop=is_over,
        sleep=lambda seconds: wait(seconds, check),
        before=lambda state: check(),
        before_sleep=_log,
        reraise=True,
    )
    return retrying(action)


def wait(seconds: float, check: Callable[[], None]) -> None:
    """Wait so many seconds, and call `check` meanwhile."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _SECONDS_BETWEEN_CHECKS))
        check()


def _log(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    # The error's text may hold an address or a credential; its type does not.
    log.warning("%s: retrying in %.1f s", type(error).__name__, state.upcoming_sleep)
