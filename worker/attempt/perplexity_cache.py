"""The perplexities of dense models that jobs share: rows in the database."""

from sqlalchemy.orm import Session, sessionmaker

from jobs.caches import perplexities
from jobs.lifecycle.lifecycle import Claim
from worker.attempt.cache_key import shared_name
from worker.attempt.progress import JobProgress
from worker.attempt.transfers import in_database


class JobPerplexityCache:
    """Implements `pruning.evaluation.cache.PerplexityCache`: every call may raise a `Stopped`."""

    def __init__(
        self, database: sessionmaker[Session], claim: Claim, progress: JobProgress, *, private: bool
    ) -> None:
        """`private`: only jobs of the same owner find them, as with `JobGradientCache`."""
        self._database = database
        self._claim = claim
        self._progress = progress
        self._private = private

    def get(self, fingerprint: str) -> float | None:
        """What a job has measured before, if one has."""
        name = self._name(fingerprint)
        found = in_database(self._database, self._progress, lambda session: perplexities.find(session, name))
        if found is not None:
            self._progress.log("the dense perplexity was measured before on the same windows")
        return found

    def put(self, fingerprint: str, perplexity: float) -> None:
        """Let later jobs have it."""
        name = self._name(fingerprint)
        in_database(
            self._database,
            self._progress,
            lambda session: perplexities.offer(session, name, perplexity),
        )

    def _name(self, fingerprint: str) -> str:
        return shared_name(fingerprint, self._claim, private=self._private)
