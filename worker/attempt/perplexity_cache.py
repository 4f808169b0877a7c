"""The cache of dense models' perplexities that jobs share: rows in the database."""

from jobs.caches import perplexities
from worker.attempt.attempt import Attempt


class JobPerplexityCache:
    """Implements `pruning.evaluation.cache.PerplexityCache`. Every call may raise an `Interrupted`."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def get(self, fingerprint: str) -> float | None:
        """Return what an earlier job has measured, if one has."""
        key = self._attempt.cache_key(fingerprint)
        found = self._attempt.transaction(lambda session: perplexities.find(session, key))
        if found is not None:
            self._attempt.progress.log("the dense perplexity was measured before on the same windows")
        return found

    def put(self, fingerprint: str, perplexity: float) -> None:
        """Keep a measured perplexity for later jobs."""
        key = self._attempt.cache_key(fingerprint)
        self._attempt.transaction(lambda session: perplexities.offer(session, key, perplexity))
