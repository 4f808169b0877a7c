"""The rule by which owners share a queue, over lists: slow and plain."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID


@dataclass
class NaiveJob:
    """A queued job."""

    id: UUID
    owner: str
    priority: int = 0


@dataclass
class NaiveQueue:
    """One queue, with all of its jobs in memory."""

    queued: list[NaiveJob]
    weights: dict[str, float] = field(default_factory=dict)
    caps: dict[str, int] = field(default_factory=dict)
    in_use: Counter[str] = field(default_factory=Counter)
    recent: dict[str, float] = field(default_factory=dict)

    def publish(self, count: int) -> list[UUID]:
        """Take the next jobs out of the queue, one after the other."""
        oldest = {owner: self._own(owner)[0].id for owner in {job.owner for job in self.queued}}
        taken = []
        while len(taken) < count and (job := self._next(oldest)):
            self.queued.remove(job)
            self.in_use[job.owner] += 1
            taken.append(job.id)
        return taken

    def _own(self, owner: str) -> list[NaiveJob]:
        return sorted(
            (job for job in self.queued if job.owner == owner), key=lambda job: (-job.priority, job.id)
        )

    def _next(self, oldest: dict[str, UUID]) -> NaiveJob | None:
        def rank(job: NaiveJob) -> tuple[float, float, UUID]:
            weight = self.weights.get(job.owner, 1.0)
            return (
                self.in_use[job.owner] / weight,
                self.recent.get(job.owner, 0.0) / weight,
                oldest[job.owner],
            )

        owners = {job.owner for job in self.queued}
        first_of_each = [
            self._own(owner)[0]
            for owner in owners
            if owner not in self.caps or self.in_use[owner] < self.caps[owner]
        ]
        if not first_of_each:
            return None
        return min(first_of_each, key=rank)
