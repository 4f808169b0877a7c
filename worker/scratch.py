"""A worker's scratch space: a directory per job and attempt."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from jobs.lifecycle import finished_blocks
from worker.interrupts import ShuttingDown

RESUME_STORE = "resume"
"""Where in an attempt's directory its resume store keeps its files."""


@contextmanager
def scratch(work_dir: Path, job_id: UUID, attempt: int) -> Iterator[Path]:
    """A directory of the attempt's own, gone at its end; but not where the worker only shuts down.

    From what earlier attempts have left on this machine it takes over the state between two blocks, and the
    rest goes. An earlier attempt may still be asleep with these files open: a state is never written to after
    it has its name, and is checked before it is used.
    """
    job = work_dir / str(job_id)
    directory = job / str(attempt)
    directory.mkdir(parents=True)
    for earlier in job.iterdir():
        if earlier != directory:
            _take_over(earlier / RESUME_STORE, directory / RESUME_STORE)
            shutil.rmtree(earlier, ignore_errors=True)
    try:
        yield directory
    except ShuttingDown:
        raise
    except BaseException:
        _discard(directory)
        raise
    _discard(directory)


def _take_over(earlier: Path, ours: Path) -> None:
    for state in earlier.glob("*/activations-*"):
        stage = ours / state.parent.name
        stage.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            state.rename(stage / state.name)


def _discard(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    with suppress(OSError):  # another attempt is at work in it, or has been
        directory.parent.rmdir()


def remove(work_dir: Path, job_id: UUID) -> None:
    """Remove what a killed process has left of a job that has ended."""
    shutil.rmtree(work_dir / str(job_id), ignore_errors=True)


def sweep(session: Session, work_dir: Path) -> None:
    """Remove what killed workers have left, but for jobs that may go on here."""
    for directory in work_dir.glob("*-*-*-*-*"):
        try:
            job_id = UUID(directory.name)
        except ValueError:
            continue
        if not finished_blocks.may_go_on(session, job_id):
            shutil.rmtree(directory, ignore_errors=True)
