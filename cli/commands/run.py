"""Submit a job and follow it to its end, with a time limit; handle Ctrl-C, SIGTERM and a closed pipe.

No event carries the reason why a job waits, so a thread polls for it. A job waits in the queue, or on a
worker for the Hub.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, TypeVar
from uuid import UUID, uuid4

from rich.console import Console

from cli.options import common
from cli.options.errors import describe_error, print_retry
from cli.options.request import idempotency_key, upload_texts
from cli.render.outcome import Inconclusive, Outcome
from cli.render.views import EventPrinter
from cli.terminal import Exit, PipeClosed, err
from pruneserve_client import Client, PruneServeError, Rejected, Unavailable
from pruneserve_client.errors import may_pass
from pruneserve_client.models import Event, JobDetail, StageFinished, StateChanged
from pruneserve_client.wire import retry


class TimedOut(Exception):
    """The time limit of the command is over."""


@contextmanager
def time_limit(seconds: float | None, of: str = "job") -> Iterator[None]:
    """Raise `TimedOut(of)`, which goes on, in the main thread after `seconds`. None means no limit."""
    if seconds is None:
        yield
        return

    def on_alarm(_signal: int, _frame: FrameType | None) -> None:
        raise TimedOut(of)

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_FIRST_POLL_SECONDS = 2.0  # most jobs have been started by then
_POLL_SECONDS = 5.0
_HUB_SECONDS = 4.0  # a Hub that responds sends a small model within it

_HUB_DATASETS = frozenset({"c4", "wikitext2"})


class WaitingPoller:
    """Shows the events of one job and, until it has read its inputs, each new reason why it waits."""

    def __init__(self, client: Client, job_id: UUID, view: EventPrinter) -> None:
        self._client = client
        self._job_id = job_id
        self._view = view
        self._waits = threading.Event()
        self._ended = threading.Event()
        self._resolving_since: float | None = None

    def show(self, event: Event) -> None:
        """Show one event."""
        match event.data:
            case StateChanged(state="queued"):
                self._resolving_since = None
                self._waits.set()
            case StateChanged(state="running"):
                self._resolving_since = time.monotonic()
                self._waits.set()
            case StateChanged() | StageFinished():
                self._waits.clear()
        self._view.show(event)

    def stop(self) -> None:
        """Ask no more."""
        self._ended.set()
        self._waits.set()

    def ask(self) -> None:
        """Poll and show until `stop` is called. A request that fails is repeated."""
        shown: str | None = None
        while not self._ended.is_set():
            if not self._waits.is_set():
                self._waits.wait()
                shown = None
            if self._ended.wait(_FIRST_POLL_SECONDS if shown is None else _POLL_SECONDS):
                return
            reason = self._reason()
            if reason is not None and reason != shown and not self._ended.is_set():
                with suppress(PipeClosed):  # which ends the main thread at its next line
                    self._view.waiting(reason)
                shown = reason

    def _reason(self) -> str | None:
        try:
            job = self._client.job(self._job_id)
        except (PruneServeError, RuntimeError):  # the latter from a client that was closed meanwhile
            return None
        if job.waiting is not None and job.waiting.reason != "hub":
            # An event has reported that the store does not respond.
            return None if job.waiting.next_try_at else job.waiting.message
        since = self._resolving_since
        reading = since is not None and time.monotonic() - since > _HUB_SECONDS
        return without_hub(job) if (job.waiting or reading) and self._waits.is_set() else None


def without_hub(job: JobDetail) -> str | None:
    """Return what a job needs of the Hub, and how to do without; None for a job that needs nothing of it."""
    spec = job.spec
    of_hub = not spec.model.id.startswith("/")
    texts: set[str | None] = set()
    if spec.calibration:
        texts |= {spec.calibration.dataset, *(one.dataset for one in spec.calibration.datasets)}
    if spec.evaluation:
        texts |= {spec.evaluation.dataset, *(spec.evaluation.domains or {}).values()}
    named = _HUB_DATASETS.intersection(texts)
    distil = spec.recovery and spec.recovery.distil
    trained = _HUB_DATASETS.intersection([distil.dataset] if distil else ())
    tasks = spec.evaluation.tasks if spec.evaluation else []
    needed = [*([spec.model.id] if of_hub else []), *sorted(named | trained), *tasks]
    if not needed:
        return None
    advice = ["for --model, a directory on its machine"] if of_hub else []
    if named:
        advice.append("--quick for a first result, or --calibration builtin --evaluation builtin")
    if trained:
        advice.append("builtin as recovery.distil.dataset")
    return (
        f"the Hugging Face Hub, for {', '.join(needed)}. Where the worker does not reach it, give "
        f"{'; '.join(advice) or 'no --task'}"
    )


@contextmanager
def polling(client: Client, job_id: UUID, view: EventPrinter) -> Iterator[WaitingPoller]:
    """Yield the object that shows a job's events; a thread shows why the job waits."""
    shown = WaitingPoller(client, job_id, view)
    threading.Thread(target=shown.ask, name="why the job waits", daemon=True).start()
    try:
        yield shown
    finally:
        shown.stop()


_Answer = TypeVar("_Answer")

_LAST_REQUEST_SECONDS = 5.0  # a CI system kills what has not ended soon after its SIGTERM


class Interrupted(Exception):
    """SIGINT (Ctrl-C) or SIGTERM."""

    def __init__(self, number: int) -> None:
        """`number` is that of the signal."""
        self.number = number


def run_job(
    client: Client,
    body: dict[str, Any],
    console: Console,
    *,
    timeout: float | None,
    cancel_on_interrupt: bool | None,
    inconclusive: Inconclusive,
) -> Outcome:
    """Submit a job, follow it, and return how that ended, also if it was interrupted or timed out.

    `timeout`: seconds after which to stop waiting, the upload of texts included. `cancel_on_interrupt` None:
    ask on a terminal; elsewhere the job goes on. Its events are shown on `console`.
    """
    job: JobDetail | None = None
    submit: Callable[..., JobDetail] | None = None
    try:
        with time_limit(timeout), _interruptible(once=bool(cancel_on_interrupt)):
            upload_texts(body, lambda file: retried(partial(client.upload, file), timeout))
            key = idempotency_key(os.environ, body) or str(uuid4())
            submit = partial(client.submit, body, idempotency_key=key)
            job = retried(submit, timeout)
            console.print(f"job {job.id}\n{client.url}/jobs/{job.id}")
            return Outcome.of(watch(client, job.id, console), inconclusive)
    except TimedOut:
        return unfinished(client, job, Exit.TIMEOUT, sent=submit is not None)
    except PruneServeError as error:
        code = Exit.UNREACHABLE if may_pass(error, answered=job is not None) else Exit.USAGE
        return Outcome(code, job, describe_error(error), stale=True, rejected=isinstance(error, Rejected))
    except (Interrupted, PipeClosed) as interruption:
        status = Exit.CANCELLED if submit is None and cancel_on_interrupt else 128 + interruption.number
        if submit is None or not _should_cancel(cancel_on_interrupt):
            return unfinished(client, job, status, sent=submit is not None)
    try:
        with time_limit(_LAST_REQUEST_SECONDS):
            # If the interruption came before the response, the same request returns the same job.
            return _cancel(client, job or submit(patience=_LAST_REQUEST_SECONDS), inconclusive)
    except TimedOut:
        problem = f"{client.url} does not answer within {_LAST_REQUEST_SECONDS:g} s"
    except PruneServeError as error:
        problem = describe_error(error)
    return Outcome(Exit.UNREACHABLE, job, f"the job could not be cancelled: {problem}", stale=True)


def retried(send: Callable[..., _Answer], timeout: float | None = None) -> _Answer:
    """Send a request; where the server is unavailable, say so before it is retried for PATIENCE_SECONDS.

    No longer than `timeout`, which could not name the error.
    """
    end = time.monotonic() + min(common.PATIENCE_SECONDS, timeout or common.PATIENCE_SECONDS)
    try:
        return send()
    except Unavailable as error:
        left = end - time.monotonic() - error.retry_after
        if left <= 0:
            raise
        print_retry(error, left + error.retry_after)
        time.sleep(error.retry_after)
    return send(patience=left)


def unfinished(client: Client, job: JobDetail | None, code: int, *, sent: bool = True) -> Outcome:
    """Return the outcome with the job as it is now, or else as it was given. `sent`: its request was."""
    with suppress(PruneServeError, TimedOut), time_limit(_LAST_REQUEST_SECONDS):
        return Outcome(code, job and client.job(job.id), sent=sent)
    return Outcome(code, job, stale=True)


def _cancel(client: Client, job: JobDetail, inconclusive: Inconclusive) -> Outcome:
    try:
        # A server that is being restarted may be back before the time is over.
        cancelled = retry(partial(client.cancel, job.id), _LAST_REQUEST_SECONDS, answered=True)
        return Outcome(Exit.CANCELLED, cancelled)
    except Rejected:
        job = client.job(job.id)
        if not job.ended:
            raise
        return Outcome.of(job, inconclusive)  # it has ended meanwhile


def watch(client: Client, job_id: UUID, console: Console) -> JobDetail:
    """Show the events of a job, and why it waits, until it has ended, and return it."""
    with polling(client, job_id, EventPrinter(console)) as shown:
        patience = common.PATIENCE_SECONDS
        told = partial(print_retry, patience=patience)
        return client.wait(job_id, on_event=shown.show, on_outage=told, patience=patience)


@contextmanager
def _interruptible(*, once: bool) -> Iterator[None]:
    """Raise `Interrupted` in the main thread on the first SIGINT or SIGTERM; a second one acts as usual.

    `once`: a second SIGTERM is ignored, from then on. A shell passes on what its process group has got as
    well, and the cancellation must not end there; it takes `_LAST_REQUEST_SECONDS` at most.
    """
    signals = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if once:
            before[signal.SIGTERM] = signal.SIG_IGN
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


def _should_cancel(wanted: bool | None) -> bool:
    if wanted is not None or not (sys.stdin.isatty() and err.is_terminal):
        return bool(wanted)
    try:
        answer = err.input("Cancel the job? Otherwise it goes on. [y/N] ", markup=False)
    except (KeyboardInterrupt, EOFError):
        return False
    return answer.strip().lower() in ("y", "yes")
