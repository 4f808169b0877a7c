"""`pruneserve run`: submit a job, follow it to its end, and handle Ctrl-C and SIGTERM."""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any
from uuid import UUID

from rich.console import Console

from cli.commands.time_limit import TimedOut, time_limit
from cli.commands.waiting import waiting_shown
from cli.options import common
from cli.options.wording import described
from cli.render.outcome import Outcome
from cli.render.views import View
from cli.terminal import Exit, err
from pruneserve_client import Client, PruneServeError, Rejected, Unavailable
from pruneserve_client.models import JobDetail

_LAST_LOOK_SECONDS = 5.0  # a CI system kills what has not ended soon after its SIGTERM


class Interrupted(Exception):
    """SIGINT (Ctrl-C) or SIGTERM."""

    def __init__(self, number: int) -> None:
        """`number` is that of the signal."""
        self.number = number


@dataclass(frozen=True)
class RunOptions:
    """How a job is run and followed."""

    timeout: float | None
    """Seconds after which to stop waiting; None: never."""
    cancel_on_interrupt: bool | None
    """None: ask on a terminal; elsewhere let the job go on."""


class Run:
    """One job, from its submission to its end."""

    def __init__(
        self,
        client: Client,
        body: Mapping[str, Any],
        idempotency_key: str,
        options: RunOptions,
        console: Console,
    ) -> None:
        """The job is submitted once under `idempotency_key`; its events are shown on `console`."""
        self._client = client
        self._body = body
        self._key = idempotency_key
        self._options = options
        self._console = console
        self._job: JobDetail | None = None

    def outcome(self) -> Outcome:
        """Submit the job, follow it, and return how that ended, also if it was interrupted or timed out."""
        try:
            with time_limit(self._options.timeout), _interruptible():
                job = self._client.submit(
                    self._body, idempotency_key=self._key, patience=common.PATIENCE_SECONDS
                )
                self._job = job
                self._console.print(f"job {job.id}\n{self._client.url}/jobs/{job.id}")
                return Outcome.of(watch(self._client, job.id, self._console))
        except TimedOut:
            return self._given_up(Exit.TIMEOUT)
        except Unavailable as error:
            return Outcome(Exit.UNREACHABLE, self._job, described(error), stale=True)
        except PruneServeError as error:
            return Outcome(Exit.USAGE, self._job, described(error), stale=True)
        except Interrupted as interruption:
            if _should_cancel(self._options):
                return self._cancel()
            return self._given_up(128 + interruption.number)

    def _given_up(self, code: int) -> Outcome:
        """Return the outcome with the job as it is now, or else as it was when it was submitted."""
        with suppress(PruneServeError, TimedOut), time_limit(_LAST_LOOK_SECONDS):
            return Outcome(code, self._job and self._client.job(self._job.id))
        return Outcome(code, self._job, stale=True)

    def _cancel(self) -> Outcome:
        try:
            # If the interruption came before the response, the same request returns the same job.
            job = self._job or self._client.submit(self._body, idempotency_key=self._key)
            try:
                cancelled = self._client.cancel(job.id)
                return Outcome(Exit.CANCELLED, cancelled if isinstance(cancelled, JobDetail) else job)
            except Rejected:
                # The job may have ended meanwhile.
                job = self._client.job(job.id)
                if not job.ended:
                    raise
                return Outcome.of(job)
        except PruneServeError as error:
            return Outcome(Exit.UNREACHABLE, self._job, f"the job could not be cancelled: {described(error)}")


def watch(client: Client, job_id: UUID, console: Console) -> JobDetail:
    """Show the events of a job, and why it waits, until it has ended, and return it."""
    with waiting_shown(client, job_id, View(console)) as shown:
        return client.wait(job_id, on_event=shown.show, patience=common.PATIENCE_SECONDS)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise `Interrupted` in the main thread on the first SIGINT or SIGTERM; a second one acts as usual."""
    signals = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, _frame: FrameType | None) -> None:
        restore()
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in signals}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield
    finally:
        restore()


def _should_cancel(options: RunOptions) -> bool:
    if options.cancel_on_interrupt is not None or not (sys.stdin.isatty() and err.is_terminal):
        return bool(options.cancel_on_interrupt)
    try:
        answer = err.input("Cancel the job? Otherwise it goes on. [y/N] ", markup=False)
    except (KeyboardInterrupt, EOFError):
        return False
    return answer.strip().lower() in ("y", "yes")
