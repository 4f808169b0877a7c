"""`pruneserve run`: submit, follow to the end, and be interrupted well."""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any
from uuid import UUID

from rich.console import Console

from cli.client.client import Client, ClientError, Refused, Unreachable
from cli.client.models import Job
from cli.commands.follow import TimedOut, follow, submit, time_limit
from cli.render.outcome import Ending
from cli.render.views import view_for
from cli.terminal import Exit, err


class Interrupted(Exception):
    """Ctrl-C, or a SIGTERM."""

    def __init__(self, number: int) -> None:
        """By the signal of that number."""
        self.number = number


@dataclass(frozen=True)
class Terms:
    """On which a job is run and followed."""

    timeout: float | None
    patience: float
    cancel_on_interrupt: bool | None
    """None: ask, where there is somebody to ask; else the job goes on."""


class Run:
    """One job, from its submission to its end."""

    def __init__(
        self, client: Client, body: Mapping[str, Any], idempotency_key: str, terms: Terms, console: Console
    ) -> None:
        """Sent once under `idempotency_key`, shown on `console`."""
        self._client = client
        self._body = body
        self._key = idempotency_key
        self._terms = terms
        self._console = console
        self._job: Job | None = None

    def ending(self) -> Ending:
        """Submit the job and follow it to its end. Whatever comes in between is an ending too."""
        try:
            with time_limit(self._terms.timeout), _interruptions():
                job = submit(self._client, self._body, self._key, patience=self._terms.patience)
                self._job = job
                self._console.print(f"job {job.id}")
                return Ending.of(watch(self._client, job.id, self._terms.patience, self._console))
        except TimedOut:
            return Ending(Exit.TIMEOUT, self._as_it_stands())
        except ClientError as error:
            return Ending(
                Exit.USAGE if isinstance(error, Refused) else Exit.UNREACHABLE, self._job, str(error)
            )
        except Interrupted as interruption:
            if _is_to_be_cancelled(self._terms):
                return self._cancelled()
            return Ending(128 + interruption.number, self._job)

    def _as_it_stands(self) -> Job | None:
        with suppress(ClientError):
            return self._job and self._client.job(self._job.id)
        return self._job

    def _cancelled(self) -> Ending:
        try:
            # Sent again under its key, the request tells the id that the interruption has kept from us.
            job = self._job or self._client.submit(self._body, idempotency_key=self._key)
            try:
                return Ending(Exit.CANCELLED, self._client.cancel(job.id))
            except Refused:
                # It may have ended meanwhile: then that is what has become of it.
                job = self._client.job(job.id)
                if not job.ended:
                    raise
                return Ending.of(job)
        except ClientError as error:
            return Ending(Exit.UNREACHABLE, self._job, f"the job could not be cancelled: {error}")


def watch(client: Client, job_id: UUID, patience: float, console: Console) -> Job:
    """Show what happens to a job until it has ended."""
    with view_for(console) as view:
        for news in follow(client, job_id, patience=patience):
            if isinstance(news, Job):
                return news
            view.show(news)
    raise Unreachable("the job's end was not seen")


@contextmanager
def _interruptions() -> Iterator[None]:
    """Raise `Interrupted` in the main thread. Outside, and for a second Ctrl-C, Python's own rules hold."""
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


def _is_to_be_cancelled(terms: Terms) -> bool:
    if terms.cancel_on_interrupt is not None or not (sys.stdin.isatty() and err.is_terminal):
        return bool(terms.cancel_on_interrupt)
    try:
        answer = err.input("Cancel the job? It goes on otherwise. [y/N] ", markup=False)
    except (KeyboardInterrupt, EOFError):
        return False
    return answer.strip().lower() in ("y", "yes")
