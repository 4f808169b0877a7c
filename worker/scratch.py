"""A worker's scratch space: a directory per job, gone when the job has ended here."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from jobs import dispatching


@contextmanager
def scratch(work_dir: Path, job_id: UUID, attempt: int) -> Iterator[Path]:
    """An empty directory of the attempt's own. What earlier attempts have left on this machine goes first."""
    job = work_dir / str(job_id)
    shutil.rmtree(job, ignore_errors=True)
    directory = job / str(attempt)
    directory.mkdir(parents=True)
    try:
        yield directory
    finally:
        shutil.rmtree(job, ignore_errors=True)


def remove(work_dir: Path, job_id: UUID) -> None:
    """Remove what a killed process has left of a job that has ended."""
    shutil.rmtree(work_dir / str(job_id), ignore_errors=True)


def sweep(session: Session, work_dir: Path) -> None:
    """Remove what killed workers have left: the directories of jobs that no worker holds."""
    for directory in work_dir.glob("*-*-*-*-*"):
        try:
            job_id = UUID(directory.name)
        except ValueError:
            continue
        if not dispatching.is_held(session, job_id):
            shutil.rmtree(directory, ignore_errors=True)
