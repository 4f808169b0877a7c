"""Whether a failure is of this machine alone: other workers, or this one later, may run the same job."""

from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from jobs.queue import conditions, shortage
from pruning.pipeline.resources import DiskTooSmall
from worker.attempt.attempt import Attempt, Transition
from worker.interrupts import DoesNotFit
from worker.self_test import SelfTestFailed, check_store


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
    attempt.guarded(partial(shortage.wait_for_room, claim=claim, worker=worker, size=size))
    raise DoesNotFit(str(error)) from error


def quarantine_without_store(transition: Transition, attempt: Attempt) -> Transition:
    """Return the transition; if this worker does not reach the store, it also quarantines the worker."""
    try:
        check_store(attempt.settings)
    except SelfTestFailed as unfit:
        fault = str(unfit)
    else:
        return transition

    def both(session: Session) -> bool:
        moved = transition(session)
        if moved:
            conditions.quarantine(session, attempt.worker.name, fault)
        return moved

    return both
