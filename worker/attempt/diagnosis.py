"""Whether a failure is of this machine alone: other workers, or this one later, may run the same job."""

from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from jobs.queue import conditions, memory
from jobs.storage.errors import StoreUnreachable
from pruning.errors import InvalidInput
from pruning.pipeline import DiskTooSmall
from worker.attempt.attempt import Attempt, Transition
from worker.interrupts import DoesNotFit
from worker.self_test import SelfTestFailed, check_model_roots, check_store


def wait_for_room(attempt: Attempt, error: DiskTooSmall, directory: Path) -> None:
    """Raise DoesNotFit if it is the scratch disk that is too small: the job waits for one with room.

    `directory`: the attempt's, whose files go with it. The Hub's cache may have a disk of its own, of which
    no worker says what it has.
    """
    if error.disk != directory.stat().st_dev:
        return
    files = (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
    size = error.needed + sum(path.stat().st_size for path in files)
    claim, worker = attempt.claim, attempt.worker.name
    attempt.guarded(partial(memory.wait_for_room, claim=claim, worker=worker, size=size))
    raise DoesNotFit(str(error)) from error


def failed_self_test(attempt: Attempt, failure: BaseException) -> SelfTestFailed | None:
    """Test what the failure is about: a store that others may reach, a file that others may have.

    Return what the test has found. None: the failure is not of this machine, as far as can be told.
    """
    try:
        if isinstance(failure, StoreUnreachable):
            check_store(attempt.settings)
        elif isinstance(failure, InvalidInput) and isinstance(failure.__cause__, FileNotFoundError):
            check_model_roots(attempt.settings, attempt.database)
    except SelfTestFailed as unfit:
        return unfit
    return None


def then_quarantine(transition: Transition, attempt: Attempt, unfit: SelfTestFailed) -> Transition:
    """Return the transition, after which the worker takes no job until its self-test passes."""

    def both(session: Session) -> bool:
        moved = transition(session)
        if moved:
            conditions.quarantine(session, attempt.worker.name, str(unfit))
        return moved

    return both
