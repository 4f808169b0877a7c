"""Sizes new jobs before a worker claims them, in a thread of the scheduler.

What a job needs of a worker is estimated from the config of its model. Configs are read in a few threads for
disks, and as many for the Hub: one that hangs delays only the jobs that wait for it. Owners take turns, so
that a thousand jobs of one do not keep those of others waiting; no owner has more than half of the threads,
so that reads that hang leave some. Where no config can be read in time, the needs stay unknown: the job
begins on the smallest GPU that has what its request says, and its worker, which has the model, puts it back
if it does not fit.
"""

import logging
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import count, zip_longest
from uuid import UUID

from sqlalchemy.orm import Session

from jobs import limits
from jobs.database import Database
from jobs.queue import backlog, workers
from jobs.queue.backlog import NewJob
from jobs.queue.resources import Needs, requested_needs
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.spec.model_shape import shape_of
from pruning.estimate import Machine, ModelShape
from pruning.recipe import ModelReference, is_local
from scheduler.background import Background

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_ROUNDS = 0.25
_SECONDS_OF_ESTIMATES = 0.5  # of a round, or one job of each owner: that of a deep model takes a while
_JOBS_PER_ROUND = 100
_THREADS = 4  # for disks, and as many for the Hub
_JOBS_PER_OWNER = 25
_READ_TIMEOUT_SECONDS = 20.0
_TOTAL_TIMEOUT_SECONDS = 120.0  # also for a turn that does not come
_READ_CACHE_TTL = 300.0
_FAILED_READ_CACHE_TTL = 10.0
_MAX_CACHED_READS = 256
_TRUE_VALUES = ("1", "ON", "YES", "TRUE")


class _Reading:
    """A config that waits to be read, is being read, or has been."""

    def __init__(self, model: ModelReference, owner: str, asked_at: float) -> None:
        self.model = model
        self.owner = owner
        self.of_the_hub = not is_local(model.id)
        self.asked_at = asked_at
        self.began_at: float | None = None
        self.failed_at: float | None = None
        self.result: Future[ModelShape] = Future()

    @property
    def is_under_way(self) -> bool:
        return self.began_at is not None and not self.result.done()


class Sizing(Background):
    """Sizes jobs, in rounds."""

    name = "sizing"

    def __init__(
        self, database: Database, settings: Settings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`settings`: the directories of models, and the Hub token."""
        super().__init__(_SECONDS_BETWEEN_ROUNDS)
        self._database = database
        self._settings = settings
        self._clock = clock
        self._readings: dict[tuple[str, str], _Reading] = {}
        self._turns = count()
        self._served: dict[str, int] = {}  # the last turn of each owner
        self._waiting: dict[UUID, NewJob] = {}
        self._live: list[Machine] = []

    def round(self) -> None:
        """Size the jobs whose configs have been read, the oldest first, and begin to read the others'."""
        self._forget_old_readings()
        with self._database.begin() as session:
            self._waiting = backlog.still_unsized(session, self._waiting)
            self._take_jobs_of_each_owner(session)
            if self._waiting:
                self._live = workers.live_machines(session, limits.LEASE_SECONDS)
        known = self._known()
        self._begin_readings()
        if known:  # in one transaction: commits that notify wait for each other
            with self._database.begin() as session:
                for job_id, needs in known.items():
                    backlog.record_needs(session, job_id, None if needs is None else needs.model_dump())
        for job_id in known:
            log.info("job %s: workers may claim it", job_id)
            del self._waiting[job_id]

    def _take_jobs_of_each_owner(self, session: Session) -> None:
        """Take jobs in, the oldest first: a few of each owner, and more only where no other owner has any."""
        of_owner = Counter(job.owner for job in self._waiting.values())
        room = _JOBS_PER_ROUND
        for most in (_JOBS_PER_OWNER, _JOBS_PER_ROUND):
            more = True
            while more and room:
                enough = [owner for owner, count in of_owner.items() if count >= most]
                found = backlog.unsized(session, room, excluding=self._waiting, excluding_owners=enough)
                more = len(found) == room
                for job in found:
                    if of_owner[job.owner] < most:
                        self._waiting[job.job_id] = job
                        of_owner[job.owner] += 1
                        room -= 1

    def _known(self) -> dict[UUID, Needs | None]:
        """Return what jobs need that need not wait any more. Owners take turns, for a while."""
        of_owner = defaultdict[str, list[NewJob]](list)
        for job in self._waiting.values():
            of_owner[job.owner].append(job)
        known, began = dict[UUID, Needs | None](), self._clock()
        for turn in zip_longest(*map(self._ready, of_owner.values())):
            known.update(filter(None, turn))
            if self._clock() - began > _SECONDS_OF_ESTIMATES:
                self.wake()
                break
        return known

    def _ready(self, jobs: Iterable[NewJob]) -> Iterator[tuple[UUID, Needs | None]]:
        for job in jobs:
            done, needs = self._needs(job)
            if done:
                yield job.job_id, needs

    def _needs(self, job: NewJob) -> tuple[bool, Needs | None]:
        """Return whether the job need not wait any more, and what it needs, if that is known."""
        requested = None
        try:
            spec = JobSpec.model_validate(job.stored_spec)
            requested = requested_needs(spec)
            if not is_local(spec.recipe.model.id) and _is_offline():
                return True, requested
            reading = self._reading(spec, job.owner)
            if not reading.result.done():
                return self._takes_too_long(reading), requested
            return True, Needs.of(spec, reading.result.result(), self._live)
        except Exception as error:  # its worker reports it, and one job must not block the others
            log.info("job %s: what it needs cannot be estimated (%s)", job.job_id, type(error).__name__)
            return True, requested

    def _reading(self, spec: JobSpec, owner: str) -> _Reading:
        model = spec.recipe.model
        key = model.model_dump_json(), owner
        if key not in self._readings:
            self._readings[key] = _Reading(model, owner, self._clock())
        return self._readings[key]

    def _takes_too_long(self, reading: _Reading) -> bool:
        """Whether jobs no longer wait for a config: its time counts from the start of the read."""
        now, began = self._clock(), reading.began_at
        is_slow = began is not None and now - began > _READ_TIMEOUT_SECONDS
        return is_slow or now - reading.asked_at > _TOTAL_TIMEOUT_SECONDS

    def _begin_readings(self) -> None:
        """Begin to read, as far as there are threads. Next is who has the fewest, served longest ago."""
        for of_the_hub in (False, True):
            alike = [it for it in self._readings.values() if it.of_the_hub is of_the_hub]
            waiting = [it for it in alike if it.began_at is None]
            under_way = Counter(it.owner for it in alike if it.is_under_way)
            while waiting and under_way.total() < _THREADS:
                turns = {it.owner: (under_way[it.owner], self._served.get(it.owner, -1)) for it in waiting}
                reading = min(waiting, key=lambda it: turns[it.owner])
                if under_way[reading.owner] >= _THREADS // 2:
                    break
                # Not a pool's, whose threads would keep the process from ending.
                threading.Thread(target=self._read, args=(reading,), name="sizing", daemon=True).start()
                reading.began_at = self._clock()
                waiting.remove(reading)
                under_way[reading.owner] += 1
                self._served[reading.owner] = next(self._turns)

    def _read(self, reading: _Reading) -> None:
        try:
            reading.result.set_result(shape_of(reading.model, reading.owner, self._settings))
        except Exception as error:  # raised to the jobs that wait for it
            reading.failed_at = self._clock()
            reading.result.set_exception(error)
        self.wake()

    def _forget_old_readings(self) -> None:
        """Read configs again after a while: a branch moves on, and a Hub answers again."""
        now = self._clock()
        kept = {
            key: it
            for key, it in self._readings.items()
            if it.is_under_way
            or (
                now - it.asked_at < _READ_CACHE_TTL
                and (it.failed_at is None or now - it.failed_at < _FAILED_READ_CACHE_TTL)
            )
        }
        done = [key for key, it in kept.items() if it.result.done()]
        for key in done[: max(0, len(done) - _MAX_CACHED_READS)]:
            del kept[key]
        self._readings = kept


def _is_offline() -> bool:
    """Whether the Hub must not be asked, as its own library reads that."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE_VALUES
