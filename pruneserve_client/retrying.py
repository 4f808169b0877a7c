"""Retries with exponential backoff while the server is unavailable."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_before_delay,
    wait_random_exponential,
)

from pruneserve_client.errors import Unavailable

_BACKOFF = wait_random_exponential(multiplier=0.5, max=10.0)

Result = TypeVar("Result")


def retry(action: Callable[[], Result], patience: float) -> Result:
    """Return the result of `action`, retrying while it raises `Unavailable`.

    The waits grow, with jitter, to 10 seconds, or to what the server asks for. The last error is raised as
    soon as the next attempt would begin more than `patience` seconds after the first.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(Unavailable),
        stop=stop_before_delay(patience),
        wait=_wait,
        reraise=True,
    )
    result: Result = retrying(action)
    return result


def _wait(attempt: RetryCallState) -> float:
    error = attempt.outcome.exception() if attempt.outcome else None
    asked_for = error.retry_after if isinstance(error, Unavailable) else 0.0
    return max(float(_BACKOFF(attempt)), asked_for)
