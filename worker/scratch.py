"""A worker's scratch space: one directory per job and attempt."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from jobs.lifecycle import finished_blocks
from worker.interrupts import ShutdownRequested

RESUME_STORE = "resume"
"""The part of an attempt's directory where its resume store keeps files."""


@contextmanager
def scratch(work_dir: Path, job_id: UUID, attempt: int) -> Iterator[Path]:
    """Make the attempt's directory, and delete it at the end unless the worker is shutting down.

    What earlier attempts left on this machine is deleted, except their activation checkpoints, which move to
    the new directory. An earlier attempt may be suspended and still have these files open. That is safe: a
    checkpoint is never written to once it has its final name, and its checksum is verified before use.
    """
    job_directory = work_dir / str(job_id)
    directory = job_directory / str(attempt)
    directory.mkdir(parents=True)
    for earlier in job_directory.iterdir():
        if earlier != directory:
            _adopt_checkpoints(earlier / RESUME_STORE, directory / RESUME_STORE)
            shutil.rmtree(earlier, ignore_errors=True)
    try:
        yield directory
    except ShutdownRequested:
        raise  # the next start of this worker resumes from the directory
    except BaseException:
        _delete(directory)
        raise
    _delete(directory)


def _adopt_checkpoints(earlier: Path, own: Path) -> None:
    for checkpoint in earlier.glob("*/activations-*"):
        stage_directory = own / checkpoint.parent.name
        stage_directory.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # the suspended attempt has replaced it
            checkpoint.rename(stage_directory / checkpoint.name)


def _delete(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    with suppress(OSError):  # not empty: another attempt of the job works in it
        directory.parent.rmdir()


def remove_job(work_dir: Path, job_id: UUID) -> None:
    """Delete what a killed process left of a job that has ended."""
    shutil.rmtree(work_dir / str(job_id), ignore_errors=True)


def remove_abandoned(session: Session, work_dir: Path) -> None:
    """Delete what killed workers left, except for jobs that may still resume on this machine."""
    for directory in work_dir.glob("*-*-*-*-*"):
        try:
            job_id = UUID(directory.name)
        except ValueError:
            continue
        if not finished_blocks.has_not_ended(session, job_id):
            shutil.rmtree(directory, ignore_errors=True)
