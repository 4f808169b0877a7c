"""The gradient norms that jobs share: rows in the database, shards in the store."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from sqlalchemy.orm import Session, sessionmaker

from jobs.caches import gradients
from jobs.caches.gradients import Computing
from jobs.lifecycle.lifecycle import Claim
from jobs.storage.store import Store
from jobs.tables import GradientShard
from pruning.recipe import Stage
from pruning.resume.store import NumericsKey
from worker import interrupts
from worker.attempt.cache_key import shared_name
from worker.attempt.progress import JobProgress
from worker.attempt.transfers import fetch, in_database

Result = TypeVar("Result")


class JobGradientCache:
    """Implements `pruning.gradients.cache.GradientCache`: every call may raise a `Stopped`."""

    def __init__(
        self,
        database: sessionmaker[Session],
        store: Store,
        claim: Claim,
        directory: Path,
        progress: JobProgress,
        *,
        private: bool,
    ) -> None:
        """`directory`: the attempt's own, on this machine. `private`: only jobs of the same owner find them,
        because the model may be one that others cannot read.
        """
        self._database = database
        self._store = store
        self._claim = claim
        self._directory = directory
        self._progress = progress
        self._private = private

    def get(self, fingerprint: str) -> Mapping[int, Path] | None:
        """Fetch them, or learn that this job is to compute them. Raises `Waiting` while another one does."""
        name = self._name(fingerprint)
        while True:
            answer = self._in_database(lambda session: gradients.ask(session, self._claim, name))
            if isinstance(answer, Computing):
                return None
            if isinstance(answer, gradients.Waiting):
                raise interrupts.Waiting(name, answer.job_id)
            fetched = {shard.block: self._fetched(shard) for shard in answer}
            files = {block: path for block, path in fetched.items() if path is not None}
            if files and len(files) == len(fetched):
                self._progress.reuses(Stage.GRADIENTS)
                return files
            self.invalidate(fingerprint)

    def put(self, fingerprint: str, conditions: NumericsKey) -> None:
        """Publish the job's own shards. A job that has lost its hold learns it by its next write."""
        name = self._name(fingerprint)
        self._in_database(
            lambda session: gradients.publish(session, self._claim, name, Stage.GRADIENTS, conditions)
        )

    def invalidate(self, fingerprint: str) -> None:
        """Whoever asks next computes them."""
        name = self._name(fingerprint)
        self._in_database(lambda session: gradients.discard(session, name))

    def _name(self, fingerprint: str) -> str:
        return shared_name(fingerprint, self._claim, private=self._private)

    def _fetched(self, shard: GradientShard) -> Path | None:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"{shard.block:05}.safetensors"
        return fetch(self._store, shard.key, path, shard.sha256, self._progress)

    def _in_database(self, action: Callable[[Session], Result]) -> Result:
        return in_database(self._database, self._progress, action)
