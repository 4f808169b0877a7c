"""The caches that jobs share, for a run: rows in the database, files in the store; and the owner's quota."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from sqlalchemy.orm import Session

from jobs import caches
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.monitoring.catalogue import CACHE_REQUESTS
from jobs.states import Cause
from jobs.storage import gradient_files
from jobs.storage.owned_files import lock_quota
from jobs.tables import CachedGradients, CachedPerplexity, GradientShard
from pruning.byte_size import byte_size
from pruning.calibration.gradient_cache import CacheLookup
from pruning.errors import InvalidInput
from pruning.estimate import ModelShape
from pruning.estimate.disk import gradient_shards
from pruning.evaluation.cache import DenseMeasurement
from pruning.recipe import GradientNorm, Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import NumericsKey
from worker.attempt.attempt import Attempt, Transition
from worker.interrupts import BlockedOnJob

_NORMS_FIELD = "norms"


class JobGradientCache:
    """Implements `pruning.calibration.gradient_cache.GradientCache`. Every call may raise `Interrupted`."""

    def __init__(self, attempt: Attempt, directory: Path) -> None:
        """`directory`: where shards are downloaded to; the attempt's own."""
        self._attempt = attempt
        self._directory = directory

    @cached_property
    def needed_later(self) -> frozenset[GradientNorm]:
        """The norms that the other jobs of this one's sweep need, on the same model and windows."""
        job_id, recipe = self._attempt.claim.job_id, self._attempt.spec.recipe
        return self._attempt.transaction(lambda session: caches.needed_in_sweep(session, job_id, recipe))

    def get(self, wanted: Collection[str], later: Collection[str]) -> CacheLookup:
        """Download the shards that there are. Raises `BlockedOnJob` while another job computes one wanted."""
        claim = self._attempt.claim
        by_key = {self._attempt.cache_key(fingerprint): fingerprint for fingerprint in (*wanted, *later)}
        keys = [[key for key, own in by_key.items() if own in some] for some in (wanted, later)]
        found: dict[str, Mapping[int, HashedFile]] = {}
        while True:
            answer = self._attempt.transaction(lambda session: caches.find_gradients(session, claim, *keys))
            if isinstance(answer, caches.ComputedElsewhere):
                raise BlockedOnJob(answer.fingerprint, answer.job_id)
            for key, shards in answer.shards.items():
                if by_key[key] not in found:
                    files = self._downloaded(key, shards)
                    if files is None:
                        self.invalidate(by_key[key])
                        break
                    found[by_key[key]] = files
            else:
                _record_requests(len(wanted), sum(fingerprint in found for fingerprint in wanted))
                return CacheLookup(found, frozenset(by_key[key] for key in answer.to_compute))

    def confirm(self) -> None:
        """Report that the shards save this job the computation."""
        self._attempt.progress.reuse(Stage.GRADIENTS)

    def put(self, fingerprint: str, numerics_key: NumericsKey, numbers: Mapping[int, int]) -> None:
        """Publish this job's shards. If the claim is lost, nothing is published; the next write raises it."""
        key, claim = self._attempt.cache_key(fingerprint), self._attempt.claim
        self._attempt.transaction(
            lambda session: caches.publish_gradients(
                session, claim, key, Stage.GRADIENTS, numerics_key, numbers
            )
        )

    def invalidate(self, fingerprint: str) -> None:
        """Drop damaged shards: the next job that asks computes them again."""
        key = self._attempt.cache_key(fingerprint)
        self._attempt.transaction(lambda session: caches.discard(session, CachedGradients, key))

    def _downloaded(self, key: str, shards: Sequence[GradientShard]) -> Mapping[int, HashedFile] | None:
        """Return the shards of an entry by block. None: there are none, or not all are as they were."""
        directory = self._directory / key
        directory.mkdir(parents=True, exist_ok=True)
        files = {}
        for shard in shards:
            path = directory / f"{shard.block:05}.safetensors"
            file = self._attempt.download_verified(shard.key, path, shard.size, shard.sha256)
            if file is None:
                return None
            files[shard.block] = file
        return files or None


def _record_requests(wanted: int, hits: int) -> None:
    for result, count in (("hit", hits), ("miss", wanted - hits)):
        CACHE_REQUESTS.record(count, cache="gradients", result=result)


def wait_for_gradients(attempt: Attempt, blocked: BlockedOnJob) -> Transition:
    """Put the job back into the queue until the other job has computed the gradients, or has ended."""
    reason = "another job is computing the same gradients; this one resumes when they are ready"

    def transition(session: Session) -> bool:
        computing_job = caches.still_computing(session, blocked.cache_key, blocked.job_id)
        return lifecycle.requeue_until(session, attempt.claim, computing_job, reason)

    return transition


def refuse_over_quota(attempt: Attempt, shape: ModelShape) -> None:
    """Raise InvalidInput if the norms that the job is about to compute exceed the owner's quota."""
    size = gradient_shards(shape, "float32", norms=len(attempt.spec.recipe.norms))
    owner = attempt.claim.owner
    used = attempt.transaction(lambda session: gradient_files.used_bytes(session, owner))
    if message := _quota_message(attempt, used, size):
        raise InvalidInput(message, field=_NORMS_FIELD)


def quota_error(session: Session, attempt: Attempt, artifacts: Sequence[FinishedArtifact]) -> JobError | None:
    """Return the error of norms that exceed the quota by now. Concurrent jobs of the owner wait."""
    lock_quota(session, attempt.claim.owner)
    used = gradient_files.used_bytes(session, attempt.claim.owner)
    message = _quota_message(attempt, used, sum(artifact.size for artifact in artifacts))
    if message is None:
        return None
    return JobError(type="invalid_input", message=message, field=_NORMS_FIELD, cause=Cause.REQUEST)


def _quota_message(attempt: Attempt, used: int, size: int) -> str | None:
    quota = attempt.settings.quota_bytes
    if used + size <= quota:
        return None
    return (
        f"the norms take {byte_size(size)}, and of the {byte_size(quota)} that an owner's uploads and "
        f"gradient norms may take together {byte_size(used)} are in use: delete some that you need no more"
    )


class JobPerplexityCache:
    """Implements `pruning.evaluation.cache.PerplexityCache`. Every call may raise `Interrupted`."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def get(self, fingerprint: str, states: Path) -> DenseMeasurement | None:
        """Return what an earlier job has measured, if one has, with its final states downloaded."""
        found = self._get(fingerprint, states)
        CACHE_REQUESTS.record(cache="perplexities", result="miss" if found is None else "hit")
        return found

    def _get(self, fingerprint: str, states: Path) -> DenseMeasurement | None:
        key = self._attempt.cache_key(fingerprint)
        found = self._attempt.transaction(lambda session: caches.find_perplexity(session, key))
        if found is None:
            return None
        file = None
        if found.key is not None and found.size is not None and found.sha256 is not None:
            file = self._attempt.download_verified(found.key, states, found.size, found.sha256)
            if file is None:
                self._attempt.transaction(lambda session: caches.discard(session, CachedPerplexity, key))
                return None
        self._attempt.progress.log("the dense model was measured before on the same windows")
        return DenseMeasurement(found.losses, file)

    def put(self, fingerprint: str, measured: DenseMeasurement) -> None:
        """Keep a measurement for later jobs, unless its final states are larger than the operator allows."""
        key, claim = self._attempt.cache_key(fingerprint), self._attempt.claim
        states = measured.states.sha256 if measured.states else None
        most_bytes = self._attempt.settings.final_state_bytes
        self._attempt.transaction(
            lambda session: caches.publish_perplexity(
                session, claim, key, measured.losses, states, most_bytes=most_bytes
            )
        )
