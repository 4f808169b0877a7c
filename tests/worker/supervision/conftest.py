"""A worker's parent process, without Celery."""

from collections.abc import Iterator

import pytest
from celery import signals

from jobs.database import Database
from jobs.settings import Settings
from worker.identity import Identity
from worker.supervision.parent import Parent


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Handlers of Celery's signals that a test connects are removed after it."""
    watched = (
        signals.worker_ready,
        signals.worker_shutting_down,
        signals.worker_shutdown,
        signals.task_failure,
    )
    before = [(signal, signal.receivers) for signal in watched]
    for signal, receivers in before:
        signal.receivers = list(receivers or [])
    yield
    for signal, receivers in before:
        signal.receivers = receivers


@pytest.fixture
def parent(
    database: Database, settings: Settings, unregistered_worker: Identity, own_signals: None
) -> Iterator[Parent]:
    parent = Parent(settings, database, unregistered_worker)
    parent.connect_signals()
    yield parent
    parent.stop()


@pytest.fixture
def unreadable_records(worker: Identity) -> None:
    """The directory of a worker's records gives an OSError: it is a link to a name that is too long."""
    worker.claims_directory.symlink_to("a" * 300)


@pytest.fixture
def unregistered_worker() -> Iterator[Identity]:
    """A worker that is not registered yet."""
    worker = Identity.new()
    yield worker
    worker.remove_directory()
