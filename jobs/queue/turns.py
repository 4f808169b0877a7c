"""Whose job is next: the rule by which owners share the workers of a class.

The next turn is of the owner with the fewest jobs running for its weight: an owner that waits with none is
served before any other gets a second one, and a long job counts as long as it holds a worker. Where that is
equal, it is of the owner that has used the fewest device seconds for its weight of late: so owners take turns
on a single worker too. Then it is of the owner whose first job in line is the oldest.

Among an owner's own jobs the one with the highest priority runs first, then the oldest. An owner that may
cross goes ahead of others with its jobs of a priority above 0, but never twice in a row: so at least every
other job is one whose turn it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from typing import Self
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Share:
    """What an owner may take of the workers of a class, and what it has."""

    owner: str
    weight: float = 1.0
    in_use: int = 0
    """Its jobs that workers of this class hold."""
    running: int = 0
    """Its jobs that any worker holds."""
    recent_seconds: float = 0.0
    """Device seconds of its ended attempts on this class; see `jobs.lifecycle.usage`."""
    may_begin: int | None = None
    """How many more of its jobs may begin, or None for any number."""
    may_cross: bool = False

    def rank(self, more: int, oldest: UUID) -> tuple[float, float, UUID]:
        """Return what decides whose turn it is, the lowest first, once `more` of its jobs were chosen."""
        return (self.in_use + more) / self.weight, self.recent_seconds / self.weight, oldest


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job in line."""

    id: UUID
    priority: int = 0


@dataclass(frozen=True, slots=True)
class OwnerQueue:
    """The first jobs of an owner that can run, in their order."""

    jobs: Sequence[QueuedJob]
    is_complete: bool = False
    """Whether it has no others. Otherwise, others are taken to follow, of the last one's priority."""

    @classmethod
    def of(cls, jobs: Iterable[QueuedJob], read: int) -> Self:
        """Return the line of an owner of whose groups the first `read` jobs each were read."""
        first = sorted(jobs, key=lambda each: (-each.priority, each.id))
        return cls(first[:read], len(first) < read)

    def has(self, place: int) -> bool:
        """Whether there is, or may be, a job at this place, from 0."""
        return place < len(self.jobs) or not self.is_complete

    def priority(self, place: int) -> int:
        """Return the priority of the job at this place, as far as it is known."""
        return self.jobs[min(place, len(self.jobs) - 1)].priority


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose job is next, and which one of that owner's: its place in the owner's line, from 0."""

    owner: str
    place: int
    crosses: bool
    """Whether it goes ahead of an owner whose turn it is."""


def turns(shares: Sequence[Share], lines: Mapping[str, OwnerQueue], crossed: bool) -> Iterator[Turn]:
    """Yield whose job is next, as long as there is one.

    `lines`: by owner, with at least the first job of each. `crossed`: whether the job before went ahead of
    other owners' turns.
    """
    queue = _Ranking(shares, lines)
    while (first := queue.first()) is not None:
        chosen = None if crossed else queue.first_to_cross()
        crossed = chosen is not None and chosen is not first
        yield queue.take(chosen or first, crosses=crossed)


@dataclass(slots=True)
class _Ranking:
    """Owners by rank, with how many of their jobs were chosen."""

    shares: Sequence[Share]
    lines: Mapping[str, OwnerQueue]
    chosen: dict[str, int] = field(init=False)
    _heap: list[tuple[tuple[float, float, UUID], int, int]] = field(init=False)
    _may_cross: list[Share] = field(init=False)

    def __post_init__(self) -> None:
        self.chosen = {share.owner: 0 for share in self.shares if self.lines[share.owner].jobs}
        self.shares = [share for share in self.shares if share.owner in self.chosen]
        self._heap = [(self._rank(share), 0, number) for number, share in enumerate(self.shares)]
        heapify(self._heap)
        self._may_cross = [share for share in self.shares if share.may_cross]

    def first(self) -> Share | None:
        """Return the owner of the lowest rank that has a job which may begin."""
        while self._heap:
            _, chosen, number = self._heap[0]
            share = self.shares[number]
            if not self._may_begin(share):
                heappop(self._heap)
            elif chosen != self.chosen[share.owner]:
                heapreplace(self._heap, (self._rank(share), self.chosen[share.owner], number))
            else:
                return share
        return None

    def first_to_cross(self) -> Share | None:
        """Return the owner whose job may go ahead of all others: of the highest priority, then rank."""
        able = [share for share in self._may_cross if self._may_begin(share) and self._priority(share) > 0]
        return min(able, key=lambda share: (-self._priority(share), self._rank(share)), default=None)

    def take(self, share: Share, *, crosses: bool) -> Turn:
        """Choose the next job of an owner."""
        place = self.chosen[share.owner]
        self.chosen[share.owner] = place + 1
        return Turn(share.owner, place, crosses)

    def _rank(self, share: Share) -> tuple[float, float, UUID]:
        return share.rank(self.chosen[share.owner], self.lines[share.owner].jobs[0].id)

    def _may_begin(self, share: Share) -> bool:
        chosen = self.chosen[share.owner]
        allowed = share.may_begin is None or chosen < share.may_begin
        return allowed and self.lines[share.owner].has(chosen)

    def _priority(self, share: Share) -> int:
        return self.lines[share.owner].priority(self.chosen[share.owner])
