"""Following a job to its end, through whatever happens to the connection meanwhile."""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any
from uuid import UUID

from cli.client.client import Client, NoStream, Unreachable
from cli.client.models import Event, Job

_POLL_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 10.0


class TimedOut(Exception):
    """The time that the caller gave is over."""


class Patience:
    """With a server that is out of reach, because it restarts for example."""

    def __init__(self, seconds: float) -> None:
        """For so long, counted from its last answer."""
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """The server has answered."""
        self._silent_since: float | None = None
        self._pause = 0.5

    def spend(self, failure: Unreachable) -> None:
        """Wait a while before the next attempt, or raise the `failure` of this one when patience is over."""
        self._silent_since = self._silent_since or time.monotonic()
        if time.monotonic() - self._silent_since > self._seconds:
            raise failure
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)


def submit(client: Client, body: Mapping[str, Any], idempotency_key: str, *, patience: float) -> Job:
    """Make a job, once, however often the server has to be asked."""
    left = Patience(patience)
    while True:
        try:
            return client.submit(body, idempotency_key=idempotency_key)
        except Unreachable as failure:
            left.spend(failure)


def follow(client: Client, job_id: UUID, *, patience: float) -> Iterator[Event | Job]:
    """Every event of the job once and in order, however often the connection breaks; last the ended job.

    Raises `Unreachable` when the server has not answered for `patience` seconds.
    """
    after = 0
    streams = True
    left = Patience(patience)
    while True:
        try:
            for event in (
                client.stream(job_id, after=after) if streams else client.events(job_id, after=after)
            ):
                after = event.id
                left.renew()
                yield event
            # The events may end in a state that a retry has left since, so the job itself is asked.
            job = client.job(job_id)
            left.renew()
            if job.ended:
                for event in client.events(job_id, after=after):
                    after = event.id
                    yield event
                yield job
                return
        except NoStream:
            streams = False
            continue
        except Unreachable as failure:
            left.spend(failure)
            continue
        time.sleep(_POLL_SECONDS)


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TimedOut` in the main thread, in the middle of whatever it waits for, when the time is over."""
    if seconds is None:
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TimedOut

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
