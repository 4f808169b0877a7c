"""How lanes are shared between the run that owns them and others that help it.

A lane's sums are shards of the run's own stage `gradients`, numbered apart from its norms: each lane is a
section of the stage, and so are the sums of the first lanes together.
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Protocol

from pruning.recipe.stages import Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import ActivationCheckpoint, NumericsKey, ResumeStore

SECTION = 1_000_000
"""The numbers that a section takes. The first section is that of the norms."""


class LaneShare(Protocol):
    """The lanes of one run, which others may compute beside it. Whatever a method raises ends the run."""

    def is_worth_it(self, norm_bytes: int, *, begun: bool) -> bool:
        """Whether others are to help. `norm_bytes`: the size of a lane's sums.

        `begun`: an earlier attempt has finished blocks of the norms; without lanes it goes on alone.

        Where it is not, the run computes all lanes in one pass, which gives the same bits.
        """

    def open(self, numerics_key: NumericsKey, lanes: int) -> int:
        """Let others take lanes from now on. Return how many of the first ones are folded already.

        What was computed under another key does not count.
        """

    def finished(self) -> AbstractSet[int]:
        """Return the lanes whose sums are durable, folded or not."""

    def take(self) -> int | None:
        """Return a lane for this run to compute, the first that nobody computes; None if there is none."""

    def finish(self, lane: int) -> None:
        """Take note that a lane's sums are durable."""

    def again(self, lanes: Collection[int]) -> None:
        """Let lanes be computed again, folded or not: their sums are not as they were."""

    def folded(self, count: int, lanes: int) -> None:
        """Take note that the sums of the first `count` of `lanes` together are durable: delete others."""

    def wait(self) -> None:
        """Wait a moment for what others compute."""

    def close(self, lanes: int) -> None:
        """Take note that the norms are durable: delete all sums, also those of earlier attempts."""


class Section:
    """A section of the stage `gradients` in a resume store, as a store of its own."""

    def __init__(self, store: ResumeStore, number: int) -> None:
        """`number`: from 0."""
        self._store = store
        self._number = number
        self._first = SECTION * (number + 1)

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> Mapping[int, HashedFile]:
        # A name of its own for each: that others are there is no change of one of them.
        found = self._store.begin(stage, {**numerics_key, f"section {self._number}": True})
        return {number - self._first: file for number, file in found.items()}

    def directory(self, stage: Stage) -> Path:
        return self._store.directory(stage)

    def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
        self._store.commit(stage, self._first + block, file)

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        return self._store.activation_checkpoint(stage)


def of_lane(store: ResumeStore, lane: int) -> Section:
    """Return the section of one lane's sums."""
    return Section(store, lane)


def of_first(store: ResumeStore, count: int, lanes: int) -> Section:
    """Return the section of the sums of the first `count` of `lanes` lanes together."""
    return Section(store, lanes + count)


def sections_before(count: int, lanes: int) -> list[int]:
    """Return the sections that are of no use once the first `count` lanes are folded."""
    return [*range(count), *range(lanes, lanes + count)]
