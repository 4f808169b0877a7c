"""The cache of dense models' measurements that jobs share: rows in the database, files in the store."""

from pathlib import Path

from jobs.caches import perplexities
from jobs.monitoring.catalogue import CACHE_REQUESTS
from pruning.pipeline import DenseMeasurement
from worker.attempt.attempt import Attempt


class JobPerplexityCache:
    """Implements `pruning.evaluation.cache.PerplexityCache`. Every call may raise an `Interrupted`."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def get(self, fingerprint: str, states: Path) -> DenseMeasurement | None:
        """Return what an earlier job has measured, if one has, with its final states downloaded."""
        found = self._get(fingerprint, states)
        CACHE_REQUESTS.record(cache="perplexities", result="miss" if found is None else "hit")
        return found

    def _get(self, fingerprint: str, states: Path) -> DenseMeasurement | None:
        key = self._attempt.cache_key(fingerprint)
        found = self._attempt.transaction(lambda session: perplexities.find(session, key))
        if found is None:
            return None
        file = None
        if found.key is not None and found.size is not None and found.sha256 is not None:
            file = self._attempt.download_verified(found.key, states, found.size, found.sha256)
            if file is None:
                self._attempt.transaction(lambda session: perplexities.discard(session, key))
                return None
        self._attempt.progress.log("the dense model was measured before on the same windows")
        return DenseMeasurement(found.perplexity, file)

    def put(self, fingerprint: str, measured: DenseMeasurement) -> None:
        """Keep a measurement for later jobs, unless its final states are larger than the operator allows."""
        key, claim = self._attempt.cache_key(fingerprint), self._attempt.claim
        states = measured.states.sha256 if measured.states else None
        most_bytes = self._attempt.settings.final_state_bytes
        self._attempt.transaction(
            lambda session: perplexities.offer(
                session, claim, key, measured.perplexity, states, most_bytes=most_bytes
            )
        )
