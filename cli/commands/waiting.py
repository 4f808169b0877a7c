"""Shows why a followed job waits. No event carries the reason, so a thread polls for it.

A job waits in the queue, or on a worker for what it needs of the Hub.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from cli.render.views import View
from pruneserve_client import Client, PruneServeError
from pruneserve_client.models import Event, JobDetail, StageFinished, StateChanged

_FIRST_SECONDS = 2.0  # most jobs have been started by then
_NEXT_SECONDS = 5.0
_HUB_SECONDS = 4.0  # what a Hub that answers sends of a small model takes no longer

_HUB_DATASETS = frozenset({"c4", "wikitext2"})


class WaitingShown:
    """Shows the events of one job and, until it has read its inputs, each new reason why it waits."""

    def __init__(self, client: Client, job_id: UUID, view: View) -> None:
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
        """Ask and show until `stop` is called. What the server does not answer is asked again."""
        said: str | None = None
        while not self._ended.is_set():
            if not self._waits.is_set():
                self._waits.wait()
                said = None
            if self._ended.wait(_FIRST_SECONDS if said is None else _NEXT_SECONDS):
                return
            reason = self._reason()
            if reason is not None and reason != said and not self._ended.is_set():
                self._view.waiting(reason)
                said = reason

    def _reason(self) -> str | None:
        try:
            job = self._client.job(self._job_id)
        except (PruneServeError, RuntimeError):  # the latter from a client that was closed meanwhile
            return None
        if job.waiting is not None and job.waiting.reason != "outside":
            # That the store does not answer, an event has said.
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
        texts |= {spec.evaluation.dataset, *spec.evaluation.further_datasets}
    named = sorted(text for text in texts if text in _HUB_DATASETS)
    tasks = spec.evaluation.tasks if spec.evaluation else []
    needed = [*([spec.model.id] if of_hub else []), *named, *tasks]
    if not needed:
        return None
    advice = ["for --model, a directory on its machine"] if of_hub else []
    if named:
        advice.append("--quick for a first result, or --calibration builtin --evaluation builtin")
    return (
        f"the Hugging Face Hub, for {', '.join(needed)}. Where the worker does not reach it, give "
        f"{'; '.join(advice) or 'no --task'}"
    )


@contextmanager
def waiting_shown(client: Client, job_id: UUID, view: View) -> Iterator[WaitingShown]:
    """Show a job's events with what this yields, and why it waits from a thread of its own."""
    shown = WaitingShown(client, job_id, view)
    threading.Thread(target=shown.ask, name="why the job waits", daemon=True).start()
    try:
        yield shown
    finally:
        shown.stop()
