"""Following a job to its end, through whatever happens to the connection meanwhile."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from uuid import UUID

from cli.answers import Event, Job
from cli.client import Client, NoStream, Unreachable

_POLL_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 10.0


class TimedOut(Exception):
    """The time that the caller gave is over."""


def follow(client: Client, job_id: UUID, *, patience: float) -> Iterator[Event | Job]:
    """Every event of the job once and in order, however often the connection breaks; last the ended job.

    Raises `Unreachable` when the server has not answered for `patience` seconds.
    """
    after = 0
    streams = True
    silent_since: float | None = None
    pause = 0.5
    while True:
        try:
            for event in (
                client.stream(job_id, after=after) if streams else client.events(job_id, after=after)
            ):
                after, silent_since, pause = event.id, None, 0.5
                yield event
            # The events may end in a state that a retry has left since, so the job itself is asked.
            job = client.job(job_id)
            silent_since = None
        except NoStream:
            streams = False
            continue
        except Unreachable:
            silent_since = silent_since or time.monotonic()
            if time.monotonic() - silent_since > patience:
                raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            continue
        if job.ended:
            yield from client.events(job_id, after=after)
            yield job
            return
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
