"""Whose job is next: the rule by which owners share the workers of a queue.

The next turn is of the owner with the fewest jobs running for its weight: an owner that waits with none is
served before any other gets a second one, and a long job counts as long as it holds a worker. Where that is
equal, it is of the owner that has used the fewest device seconds for its weight of late: so owners take turns
on a single worker too. Then it is of the owner whose first job in line is the oldest.

Among an owner's own jobs the one with the highest priority runs first, then the oldest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from typing import Self
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Share:
    """What an owner may take of the workers of a queue, and what it has."""

    owner: str
    weight: float = 1.0
    in_use: int = 0
    """Its jobs that workers of this queue hold."""
    running: int = 0
    """Its jobs that any worker holds."""
    recent_seconds: float = 0.0
    """Device seconds of its ended attempts on these workers; see `jobs.lifecycle.usage`."""
    may_begin: int | None = None
    """How many more of its jobs may begin, or None for any number."""

    def rank(self, more: int, oldest: UUID) -> tuple[float, float, UUID]:
        """Return what decides whose turn it is, the lowest first, once `more` of its jobs were chosen."""
        return (self.in_use + more) / self.weight, self.recent_seconds / self.weight, oldest


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job in line."""

    id: UUID
    priority: int = 0


@dataclass(frozen=True, slots=True)
class OwnerHead:
    """The first jobs of an owner that can run, in their order."""

    jobs: Sequence[QueuedJob]
    is_complete: bool = False
    """Whether it has no others. Otherwise, others are taken to follow."""

    @classmethod
    def of(cls, jobs: Iterable[QueuedJob], read: int) -> Self:
        """Return the line of an owner of whose groups the first `read` jobs each were read."""
        first = sorted(jobs, key=lambda each: (-each.priority, each.id))
        return cls(first[:read], len(first) < read)

    def has(self, place: int) -> bool:
        """Whether there is, or may be, a job at this place, from 0."""
        return place < len(self.jobs) or not self.is_complete


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose job is next, and which one of that owner's: its place in the owner's line, from 0."""

    owner: str
    place: int


def turns(shares: Sequence[Share], lines: Mapping[str, OwnerHead]) -> Iterator[Turn]:
    """Yield whose job is next, as long as there is one.

    `lines`: by owner, with at least the first job of each.
    """
    oldest = {owner: line.jobs[0].id for owner, line in lines.items() if line.jobs}
    waiting = [share for share in shares if share.owner in oldest]
    heap = [(share.rank(0, oldest[share.owner]), number, 0) for number, share in enumerate(waiting)]
    heapify(heap)
    while heap:
        _, number, place = heap[0]
        share = waiting[number]
        if lines[share.owner].has(place) and (share.may_begin is None or place < share.may_begin):
            yield Turn(share.owner, place)
            heapreplace(heap, (share.rank(place + 1, oldest[share.owner]), number, place + 1))
        else:
            heappop(heap)
