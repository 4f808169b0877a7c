"""Estimates what queued jobs need of a worker, from the configs of their models.

It runs in a thread of the dispatcher, and reads configs in threads of its own: a Hub or a disk that hangs
delays only the jobs that wait for it. Where no config can be read in time, nobody knows what the job needs:
it begins on the smallest GPU that has what its request says, and its worker, which has the model, sends it
elsewhere if it does not fit.
"""

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import placing
from jobs.fleet.placing import Unsized
from jobs.lifecycle.placing import sized
from jobs.placement.needs import Needs, said_alone
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.spec.model_shape import shape_of
from pruning.estimate import ModelShape
from pruning.recipe import is_local
from worker.dispatcher.background import Background

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_ROUNDS = 0.25
_JOBS_PER_ROUND = 100
_THREADS = 4
_PATIENCE_SECONDS = 20.0
_KEPT_SECONDS = 300.0
_MOST_KEPT = 256
_YES = ("1", "ON", "YES", "TRUE")


@dataclass(frozen=True, slots=True)
class _Reading:
    """A config that is being read, or was."""

    shape: Future[ModelShape]
    since: float


class Sizing(Background):
    """Sizes jobs, in rounds."""

    name = "sizing"

    def __init__(
        self,
        database: sessionmaker[Session],
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`settings` says where models may lie."""
        super().__init__(_SECONDS_BETWEEN_ROUNDS)
        self._database = database
        self._settings = settings
        self._clock = clock
        self._readers = ThreadPoolExecutor(_THREADS, thread_name_prefix="sizing")
        self._readings: dict[tuple[str, str], _Reading] = {}

    def stop(self) -> None:
        """Start no other round. Nothing is waited for: the Hub or the disk may hang."""
        super().stop()
        self._readers.shutdown(wait=False, cancel_futures=True)

    def round(self) -> None:
        """Size the jobs whose configs have been read, the oldest first, and begin to read the others'."""
        self._forget_old_readings()
        with self._database.begin() as session:
            jobs = placing.unsized(session, _JOBS_PER_ROUND)
        for job in jobs:
            done, needs = self._needs(job)
            if done:
                with self._database.begin() as session:
                    sized(session, job.job_id, None if needs is None else needs.model_dump())

    def _needs(self, job: Unsized) -> tuple[bool, Needs | None]:
        """Return whether the job need not wait any more, and what it needs, if that is known."""
        said = None
        try:
            spec = JobSpec.model_validate(job.stored_spec)
            said = said_alone(spec)
            if not is_local(spec.recipe.model.id) and _is_offline():
                return True, said
            reading = self._reading(spec, job.owner)
            if not reading.shape.done():
                return self._clock() - reading.since > _PATIENCE_SECONDS, said
            return True, Needs.of(spec, reading.shape.result())
        except Exception as error:  # one job must not hold up the others; its worker says what is wrong
            log.info("job %s: what it needs cannot be estimated (%s)", job.job_id, type(error).__name__)
            return True, said

    def _reading(self, spec: JobSpec, owner: str) -> _Reading:
        model = spec.recipe.model
        key = model.model_dump_json(), owner
        if key not in self._readings:
            shape = self._readers.submit(shape_of, model, owner, self._settings)
            self._readings[key] = _Reading(shape, self._clock())
        return self._readings[key]

    def _forget_old_readings(self) -> None:
        """Read configs again after a while: a branch moves on, and a Hub answers again."""
        now = self._clock()
        kept = {key: it for key, it in self._readings.items() if now - it.since < _KEPT_SECONDS}
        self._readings = dict(list(kept.items())[-_MOST_KEPT:])


def _is_offline() -> bool:
    """Whether the Hub must not be asked, as its own library reads that."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in _YES
