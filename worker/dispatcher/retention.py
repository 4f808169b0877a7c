"""The dispatcher's upkeep: what has had its time goes, a little in every round.

It runs in a thread beside the dispatching, so that a store that hangs holds up no job. Several dispatchers at
once share the work; one that is killed leaves it to the next round.
"""

import logging
import re
import threading
from collections.abc import Callable

from sqlalchemy.orm import Session, sessionmaker

from jobs import retention
from jobs.caches import gradients, perplexities
from jobs.database import DATABASE_UNAVAILABLE
from jobs.retention import Litter
from jobs.settings import Settings
from jobs.storage import uploads
from jobs.storage.store import Store, StoreError, job_prefix

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_ROUNDS = 30.0
_ROWS_PER_ROUND = 5_000
_JOBS_PER_ROUND = 50
_FILES_PER_ROUND = 100
_ATTEMPT = re.compile(r"/attempts/(\d+)/")


class Upkeep:
    """One round after the other, until it is stopped."""

    def __init__(self, database: sessionmaker[Session], limits: Settings, store: Store) -> None:
        """`limits`: how long what is kept."""
        self._database = database
        self._limits = limits
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Do not wait for a store that hangs: whatever is left undone is done by the next one."""
        self._stopping.set()

    def round(self) -> None:
        """A bounded part of everything that is due."""
        limits = self._limits
        self._write(
            lambda s: retention.forget_idempotency_keys(s, limits.idempotency_key_days, _ROWS_PER_ROUND)
        )
        self._write(lambda s: retention.forget_progress(s, limits.event_days, _ROWS_PER_ROUND))
        self._write(lambda s: retention.drop_finished_blocks(s, limits.unfinished_days, _JOBS_PER_ROUND))
        self._write(
            lambda s: gradients.evict(s, limits.gradient_days, limits.gradient_bytes, _JOBS_PER_ROUND)
        )
        self._write(lambda s: perplexities.forget(s, limits.gradient_days, _ROWS_PER_ROUND))
        if (days := limits.artifact_days) is not None:
            self._write(lambda s: retention.expire_artifacts(s, days, _JOBS_PER_ROUND))
        with self._database.begin() as session:
            littered = retention.take_litter(session, limits.litter_seconds, _JOBS_PER_ROUND)
        for litter in littered:
            self._clear(litter)
        self._clear_uploads()

    def _clear(self, litter: Litter) -> None:
        """Delete what the job's ended attempts have left in the store and no row names.

        The store is listed before the rows are asked: a file that is listed and comes to be named in between
        is spared, and one of an ended attempt that is not named by then never will be.
        """
        listed = [found.key for found in self._store.list(job_prefix(litter.job_id))]
        with self._database.begin() as session:
            named = retention.named_keys(session, litter.job_id)
        unnamed = [key for key in listed if key not in named and _attempt(key) <= litter.closed_attempts]
        for key in unnamed:
            self._store.delete(key)
        with self._database.begin() as session:
            retention.litter_is_gone(session, litter)
        if unnamed:
            log.info("job %s: %d files that no row names are deleted", litter.job_id, len(unnamed))

    def _clear_uploads(self) -> None:
        """Delete files that are no uploads: what a request has left that died, or could not delete."""
        with self._database.begin() as session:
            keys = uploads.doom(session, _FILES_PER_ROUND)
        for key in keys:
            self._store.delete(key)
        with self._database.begin() as session:
            uploads.are_gone(session, keys)

    def _write(self, step: Callable[[Session], int]) -> None:
        with self._database.begin() as session:
            step(session)

    def _run(self) -> None:
        while not self._stopping.wait(_SECONDS_BETWEEN_ROUNDS):
            try:
                self.round()
            except (*DATABASE_UNAVAILABLE, StoreError) as error:
                log.warning("the upkeep waits (%s)", type(error).__name__)
            except Exception:
                log.exception("the upkeep failed; it is tried again")


def _attempt(key: str) -> int:
    """The attempt that has written a file; 0 for what no attempt can have written."""
    found = _ATTEMPT.search(key)
    return int(found[1]) if found else 0
