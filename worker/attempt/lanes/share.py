"""The lanes of a job's gradients, as the worker that holds the job shares them."""

import shutil
import time
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import NoReturn

from jobs.database import DATABASE_UNAVAILABLE
from jobs.fleet import dispatch_queue
from jobs.lifecycle import lanes
from jobs.storage.errors import StoreError
from pruning.byte_size import byte_size
from pruning.estimate.lanes import FOLDED_AT_ONCE, in_words, split
from pruning.lanes.share import SECTION, sections_before
from pruning.recipe import Stage
from pruning.resume.store import NumericsKey
from worker.attempt.attempt import Attempt
from worker.interrupts import LeaseLost

_SECONDS_BETWEEN_LOOKS = 1.0
# Lanes that are folded at once, the total before and the total after, and a lane that is being computed.
_NORMS_ON_DISK = FOLDED_AT_ONCE + 3


class JobLaneShare:
    """Implements `pruning.lanes.share.LaneShare`. Every call may raise an `Interrupted`."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def is_worth_it(self, norm_bytes: int, *, begun: bool) -> bool:
        """Decide by the workers of the job's class that are alive now, and say why in the job's log."""
        attempt, settings = self._attempt, self._attempt.settings
        if self.finished() and settings.split_gradients != "never":  # an earlier attempt has decided
            return True
        if begun:
            return False
        workers = attempt.transaction(
            lambda session: dispatch_queue.workers_for_lanes(
                session, attempt.worker.name, settings.lease_seconds
            )
        )
        seconds = attempt.expected_seconds
        found = split(
            seconds.get(Stage.GRADIENTS, 0.0),
            norm_bytes=norm_bytes,
            start_seconds=seconds.get(Stage.RESOLVE, 0.0),
            workers=workers,
            bytes_per_second=settings.store_bytes_per_second,
        )
        pays = found.pays if settings.split_gradients == "auto" else settings.split_gradients == "always"
        free = shutil.disk_usage(settings.work_dir).free
        if pays and free < (needed := _NORMS_ON_DISK * norm_bytes):
            attempt.progress.log(
                f"the gradients' lanes stay on one worker: they take {byte_size(needed)} of its disk, and "
                f"{byte_size(free)} are free"
            )
            return False
        attempt.progress.log(in_words(found, is_split=pays))
        return pays

    def open(self, numerics_key: NumericsKey, lanes_of_job: int) -> int:
        claim = self._attempt.claim
        folded = self._attempt.transaction(
            lambda session: lanes.open_lanes(session, claim, numerics_key, lanes_of_job)
        )
        if folded is None:
            self._lost()
        return folded

    def finished(self) -> AbstractSet[int]:
        job_id = self._attempt.claim.job_id
        return self._attempt.transaction(lambda session: lanes.finished(session, job_id))

    def take(self) -> int | None:
        claim, worker = self._attempt.claim, self._attempt.worker.name
        return self._attempt.transaction(lambda session: lanes.take_own(session, claim, worker))

    def finish(self, lane: int) -> None:
        claim = self._attempt.claim
        self._attempt.guarded(lambda session: lanes.finish_own(session, claim, lane))

    def again(self, lanes_to_do: Collection[int]) -> None:
        claim = self._attempt.claim
        self._attempt.guarded(lambda session: lanes.again(session, claim, lanes_to_do, lanes_to_do, SECTION))

    def folded(self, count: int, lanes_of_job: int) -> None:
        claim = self._attempt.claim
        self._attempt.guarded(lambda session: lanes.folded(session, claim, count, lanes_of_job))
        self._drop(sections_before(count, lanes_of_job))

    def wait(self) -> None:
        end = time.monotonic() + _SECONDS_BETWEEN_LOOKS
        while time.monotonic() < end:
            time.sleep(0.1)
            self._attempt.check()

    def close(self, lanes_of_job: int) -> None:
        claim = self._attempt.claim
        self._attempt.guarded(lambda session: lanes.close(session, claim))
        self._drop(range(2 * lanes_of_job))

    def _drop(self, sections: Collection[int]) -> None:
        """Forget shards, then delete them. What cannot be deleted is orphaned, and deleted later."""
        claim = self._attempt.claim
        keys = self._attempt.transaction(
            lambda session: lanes.drop_sections(session, claim, sections, SECTION)
        )
        for key in keys:
            try:
                self._attempt.store.delete(key)
            except (*DATABASE_UNAVAILABLE, StoreError):
                return

    def _lost(self) -> NoReturn:
        self._attempt.heartbeat.ask()
        raise LeaseLost
