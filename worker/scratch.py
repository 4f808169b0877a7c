"""A worker's scratch space: one directory per job and attempt."""

import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from uuid import UUID

from jobs.database import Database
from jobs.lifecycle import attempt_files
from jobs.states import ENDED
from worker.interrupts import ShutdownRequested

_ADOPTION_SECONDS = 600.0
"""Within which an attempt has certainly made its directory, if it runs on this machine."""

_UNKNOWN_JOB_SECONDS = 3600.0
"""How long files of a job that is not in the database are kept after their last change."""

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
    if directory.exists():  # the database has been restored: to an earlier attempt, or without the last ones
        shutil.rmtree(directory)
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


def remove_attempt(work_dir: Path, job_id: UUID, attempt: int) -> None:
    """Delete what a killed process left of an attempt, in a thread: the disk may never answer.

    A later attempt of the job may already work next to it.
    """
    Thread(target=_delete, args=(work_dir / str(job_id) / str(attempt),), daemon=True).start()


def abandoned_directories(database: Database, work_dir: Path) -> list[Path]:
    """Return the directories of earlier attempts that no job will resume from.

    Those are of jobs that have ended, and of jobs that have long been running elsewhere: what they wrote here
    is older than what they have there. A later attempt has a directory of its own, which is not among them.
    A job that is not in this database may run under another one, whose workers share the directory, or from
    before a backup was restored: its files go once nothing has changed them for an hour.
    """
    found: list[Path] = []
    directories = dict(_job_directories(work_dir))
    # The disk is read outside the transaction: it may take minutes, and the server ends idle ones.
    with database.begin() as session:
        statuses = attempt_files.attempt_statuses(session, directories.values(), _ADOPTION_SECONDS)
    for directory, job_id in directories.items():
        status = statuses.get(job_id)
        if status is None:
            if _changed_within(directory, _UNKNOWN_JOB_SECONDS):
                continue
            found += _up_to(directory, sys.maxsize)
        elif status.state in ENDED:
            found += _up_to(directory, status.attempt)
        elif status.has_run_long and not (directory / str(status.attempt)).exists():
            found += _up_to(directory, status.attempt - 1)
    return found


def _changed_within(directory: Path, seconds: float) -> bool:
    since = time.time() - seconds
    try:
        return any(each.lstat().st_mtime > since for each in (directory, *directory.rglob("*")))
    except FileNotFoundError:  # it is being changed now
        return True


def _job_directories(work_dir: Path) -> Iterator[tuple[Path, UUID]]:
    for directory in work_dir.glob("*-*-*-*-*"):
        with suppress(ValueError):
            yield directory, UUID(directory.name)


def _up_to(directory: Path, attempt: int) -> Iterator[Path]:
    return (each for each in directory.iterdir() if each.name.isdecimal() and int(each.name) <= attempt)


def remove_directories(directories: Iterable[Path]) -> None:
    """Delete directories, and those of their jobs where nothing else is left in them."""
    for directory in directories:
        _delete(directory)
