"""The cache of gradient norms that jobs share: rows in the database, shards in the store."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from jobs.caches import gradients
from jobs.caches.gradients import Computing
from jobs.lifecycle import lifecycle
from jobs.tables import GradientShard
from pruning.recipe import Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import NumericsKey
from worker.attempt.attempt import Attempt, Transition
from worker.interrupts import BlockedOnJob


class JobGradientCache:
    """Implements `pruning.gradients.cache.GradientCache`. Every call may raise an `Interrupted`."""

    def __init__(self, attempt: Attempt, directory: Path) -> None:
        """`directory`: where shards are downloaded to; the attempt's own."""
        self._attempt = attempt
        self._directory = directory

    def get(self, fingerprint: str) -> Mapping[int, HashedFile] | None:
        """Download the shards, by block. None: this job is to compute them.

        Raises `BlockedOnJob` while another job computes them.
        """
        key, claim = self._attempt.cache_key(fingerprint), self._attempt.claim
        while True:
            answer = self._attempt.transaction(lambda session: gradients.ask(session, claim, key))
            if isinstance(answer, Computing):
                return None
            if isinstance(answer, gradients.Waiting):
                raise BlockedOnJob(key, answer.job_id)
            downloaded = {shard.block: self._download(shard) for shard in answer}
            files = {block: file for block, file in downloaded.items() if file is not None}
            if files and len(files) == len(downloaded):
                return files
            self.invalidate(fingerprint)

    def confirm(self, fingerprint: str) -> None:
        """Report that the shards save this job the computation."""
        self._attempt.progress.reuse(Stage.GRADIENTS)

    def put(self, fingerprint: str, numerics_key: NumericsKey) -> None:
        """Publish this job's shards. If the claim is lost, nothing is published; the next write says so."""
        key, claim = self._attempt.cache_key(fingerprint), self._attempt.claim
        self._attempt.transaction(
            lambda session: gradients.publish(session, claim, key, Stage.GRADIENTS, numerics_key)
        )

    def invalidate(self, fingerprint: str) -> None:
        """Drop damaged shards: the next job that asks computes them again."""
        key = self._attempt.cache_key(fingerprint)
        self._attempt.transaction(lambda session: gradients.discard(session, key))

    def _download(self, shard: GradientShard) -> HashedFile | None:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"{shard.block:05}.safetensors"
        return self._attempt.download_verified(shard.key, path, shard.sha256)


def wait_for_gradients(attempt: Attempt, blocked: BlockedOnJob) -> Transition:
    """Put the job back into the queue until the other job has computed the gradients, or has ended."""
    reason = "another job is computing the same gradients; this one resumes when they are ready"

    def transition(session: Session) -> bool:
        computing_job = gradients.still_computing(session, blocked.cache_key, blocked.job_id)
        return lifecycle.requeue_until(session, attempt.claim, computing_job, reason)

    return transition
