"""Says why a job that is followed waits. No event says it, so a thread asks while the job is queued."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from cli.render.views import View
from pruneserve_client import Client, PruneServeError
from pruneserve_client.models import Event, StateChanged

_FIRST_SECONDS = 2.0  # most jobs have been started by then
_NEXT_SECONDS = 5.0


class WaitingShown:
    """Shows the events of one job and, while it is queued, each new reason why it waits."""

    def __init__(self, client: Client, job_id: UUID, view: View) -> None:
        self._client = client
        self._job_id = job_id
        self._view = view
        self._queued = threading.Event()
        self._ended = threading.Event()

    def show(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event.data, StateChanged):
            if event.data.state == "queued":
                self._queued.set()
            else:
                self._queued.clear()
        self._view.show(event)

    def stop(self) -> None:
        """Ask no more."""
        self._ended.set()
        self._queued.set()

    def ask(self) -> None:
        """Ask and show until `stop` is called. What the server does not answer is asked again."""
        said: str | None = None
        while not self._ended.is_set():
            if not self._queued.is_set():
                self._queued.wait()
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
        # That something outside does not answer, the event has said.
        return None if job.waiting is None or job.waiting.next_try_at else job.waiting.message


@contextmanager
def waiting_shown(client: Client, job_id: UUID, view: View) -> Iterator[WaitingShown]:
    """Show a job's events with what this yields, and why it waits from a thread of its own."""
    shown = WaitingShown(client, job_id, view)
    threading.Thread(target=shown.ask, name="why the job waits", daemon=True).start()
    try:
        yield shown
    finally:
        shown.stop()
