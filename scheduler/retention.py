"""Deletes expired keys, events, files and shards, a bounded number in each round.

It runs in a thread of the scheduler, so that a store that hangs delays no job. Several schedulers share the
work; unfinished work of a killed one is done in a later round.
"""

import logging
import re
import time
from collections.abc import Callable, Iterable
from functools import partial

from sqlalchemy.orm import Session

from jobs import caches, limits, retention
from jobs.database import Database
from jobs.lifecycle import attempt_files
from jobs.retention import OrphanedFiles, PendingDeletion
from jobs.settings import Settings
from jobs.storage import uploads
from jobs.storage.errors import FileUnusable, StoreError, StoreUnreachable
from jobs.storage.store import Store, job_prefix
from jobs.tables import CachedGradients, CachedPerplexity
from scheduler.background import Background

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_ROUNDS = 30.0
_ENDED_KEY_DAYS = 30.0
_IDEMPOTENCY_KEY_DAYS = 7.0
_UNFINISHED_DAYS = 7.0  # then a retry starts from the beginning
_CACHE_DAYS = 30.0  # since the last use
_EVENT_DAYS = 30.0  # of progress events; others stay
_ROWS_PER_ROUND = 5_000
_JOBS_PER_ROUND = 50
_FILES_PER_ROUND = 100
_PROGRESS_DELETION_SECONDS = 10.0
_FILE_DELETION_TIMEOUT_SECONDS = 600.0  # at a deleted job's files; then another scheduler may try
_ATTEMPT = re.compile(r"/attempts/(\d+)/")


class Retention(Background):
    """Deletes, in rounds."""

    name = "retention"

    def __init__(self, database: Database, settings: Settings, store: Store) -> None:
        """`settings` holds the retention times."""
        super().__init__(_SECONDS_BETWEEN_ROUNDS)
        self._database = database
        self._settings = settings
        self._store = store

    def round(self) -> None:
        """Delete a bounded number of everything that has expired."""
        self._delete_expired_rows()
        _one_by_one(
            (
                self._delete_files_of_deleted_jobs,
                self._drop_finished_blocks,
                self._delete_orphaned_files,
                self._delete_abandoned_uploads,
            )
        )

    def _delete_expired_rows(self) -> None:
        settings = self._settings
        self._write(lambda s: retention.delete_idempotency_keys(s, _IDEMPOTENCY_KEY_DAYS, _ROWS_PER_ROUND))
        self._write(lambda s: retention.delete_ended_keys(s, _ENDED_KEY_DAYS, _ROWS_PER_ROUND))
        self._forget_progress()
        self._write(lambda s: caches.evict_unused(s, CachedGradients, _CACHE_DAYS, _JOBS_PER_ROUND))
        self._write(lambda s: caches.evict_unused(s, CachedPerplexity, _CACHE_DAYS, _ROWS_PER_ROUND))
        self._write(lambda s: caches.limit_gradients(s, settings.gradient_cache_bytes, _JOBS_PER_ROUND))
        self._write(lambda s: caches.limit_perplexities(s, settings.final_state_bytes, _ROWS_PER_ROUND))
        if (days := settings.artifact_retention_days) is not None:
            self._write(lambda s: retention.expire_artifacts(s, days, _JOBS_PER_ROUND))
        if (days_kept := settings.job_retention_days) is not None:
            self._write(lambda s: retention.delete_expired_jobs(s, days_kept, _JOBS_PER_ROUND))
            self._write(lambda s: retention.delete_empty_sweeps(s, days_kept, _JOBS_PER_ROUND))

    def _forget_progress(self) -> None:
        """Delete for a few seconds at most: there may be more of it than of everything else together."""
        give_up_at = time.monotonic() + _PROGRESS_DELETION_SECONDS
        while (
            self._write(lambda s: retention.delete_progress_events(s, _EVENT_DAYS, _ROWS_PER_ROUND))
            == _ROWS_PER_ROUND
            and time.monotonic() < give_up_at
            and not self._between.stopped
        ):
            pass

    def _delete_files_of_deleted_jobs(self) -> None:
        with self._database.begin() as session:
            pending = retention.take_deleted_jobs(session, _JOBS_PER_ROUND, _FILE_DELETION_TIMEOUT_SECONDS)
        _one_by_one(partial(self._delete_files_of_deleted_job, deletion) for deletion in pending)

    def _delete_files_of_deleted_job(self, deletion: PendingDeletion) -> None:
        for found in self._store.list(job_prefix(deletion.job_id)):
            self._store.delete(found.key)
        with self._database.begin() as session:
            retention.record_files_deleted(session, deletion, limits.ORPHANED_FILE_SECONDS)

    def _drop_finished_blocks(self) -> None:
        self._write(lambda s: retention.drop_finished_blocks(s, _UNFINISHED_DAYS, _JOBS_PER_ROUND))

    def _delete_orphaned_files(self) -> None:
        with self._database.begin() as session:
            jobs = retention.take_orphaned_files(session, limits.ORPHANED_FILE_SECONDS, _JOBS_PER_ROUND)
        _one_by_one(partial(self._delete_orphaned_files_of, job) for job in jobs)

    def _delete_orphaned_files_of(self, job: OrphanedFiles) -> None:
        """Delete the files that the job's ended attempts have left in the store and that no row names.

        The store is listed before the rows are read. So a file that is listed, and named by a row in between,
        is spared; and a file of an ended attempt that no row names by then never will be named.
        """
        listed = [found.key for found in self._store.list(job_prefix(job.job_id))]
        with self._database.begin() as session:
            named = attempt_files.named_keys(session, job.job_id)
        orphaned = [key for key in listed if key not in named and _attempt_of(key) <= job.closed_attempts]
        for key in orphaned:
            self._store.delete(key)
        with self._database.begin() as session:
            retention.record_orphaned_files_deleted(session, job)
        if orphaned:
            log.info("job %s: deleted %d orphaned files", job.job_id, len(orphaned))

    def _delete_abandoned_uploads(self) -> None:
        """Delete files that never became an upload, or whose upload was deleted and the file was not."""
        with self._database.begin() as session:
            keys = uploads.mark_pending_delete(session, _FILES_PER_ROUND)
        gone: list[str] = []

        def delete(key: str) -> None:
            self._store.delete(key)
            gone.append(key)

        try:
            _one_by_one(partial(delete, key) for key in keys)
        finally:
            with self._database.begin() as session:
                uploads.forget_deleted(session, gone)
            if stays := [key for key in keys if key not in gone]:
                log.warning("%d abandoned files stay until a later round, such as %s", len(stays), stays[0])

    def _write(self, delete: Callable[[Session], int]) -> int:
        with self._database.begin() as session:
            return delete(session)


def _one_by_one(acts: Iterable[Callable[[], None]]) -> None:
    """Do all of these. One that the store refuses ends no other; the first such error is raised in the end.

    Where the store is away, nothing is tried after that.
    """
    failed: list[StoreError] = []
    for act in acts:
        try:
            act()
        except StoreError as error:
            if _is_unavailable(error):
                raise
            failed.append(error)
    if failed:
        raise failed[0]


def _is_unavailable(error: StoreError) -> bool:
    return isinstance(error, StoreUnreachable) and not isinstance(error, FileUnusable)


def _attempt_of(key: str) -> int:
    """Return the attempt that wrote a file, or 0 for a file that no attempt can have written."""
    found = _ATTEMPT.search(key)
    return int(found[1]) if found else 0
