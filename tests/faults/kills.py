"""The cost of a kill: which blocks of the job were durable by then, and which were computed again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

from sqlalchemy import select

from jobs.storage.store import Store, job_prefix
from jobs.tables import JobBlock
from pruning.recipe import Stage
from tests.faults.tally import in_markdown
from tests.stack import Stack

# The blocks that are begun and not durable when a kill comes: one that is computed, and of gradients one that
# is being written. The other stages have no blocks.
BEGUN = {Stage.GRADIENTS: 2, Stage.PRUNE: 1, Stage.EVALUATE: 1}


@dataclass(frozen=True)
class Kill:
    """A kill of a worker in the middle of an attempt. Shards are named `<stage>/<file>`."""

    job_id: UUID
    attempt: int
    stage: Stage
    durable: frozenset[str]
    """The shards that had rows by then."""

    def repeated(self, store: Store, damaged: Collection[str]) -> int:
        """Return how many blocks later attempts computed again because of the kill, half-done ones included.

        Call it after the job has ended and before its orphaned files are deleted. `damaged`: shards that had
        to be computed again for another reason.
        """
        own, later = set(), set()
        for attempt, shard in _computed(store, self.job_id):
            if attempt == self.attempt:
                own.add(shard)
            elif attempt > self.attempt:
                later.add(shard)
        again = later - set(damaged)
        # How far it was with what it had begun, only the killed attempt knew; a block that it was computing
        # has left no shard.
        begun = BEGUN.get(self.stage, 0)
        written = len((own - self.durable) & again)
        return len(self.durable & again) + max(begun, written + max(0, begun - 1))

    @property
    def allowed(self) -> int:
        """How many blocks the kill may cost: what it had begun."""
        return max(1, BEGUN.get(self.stage, 0))


def durable(stack: Stack, job_id: UUID) -> frozenset[str]:
    """Return the shards of a job that have rows now."""
    with stack.database.begin() as session:
        rows = session.execute(select(JobBlock.stage, JobBlock.key).where(JobBlock.job_id == job_id))
        return frozenset(shard_name(stage, key) for stage, key in rows)


def shard_name(stage: str, key: str) -> str:
    """Return the shard's name, which is the same in every attempt."""
    return f"{stage}/{PurePosixPath(key).name}"


def table_of_kills(kills: Sequence[Kill], repeated: Sequence[int]) -> str:
    """Return a Markdown table with a line per stage. `repeated`: the repeated blocks of each kill."""
    rows = []
    for stage in Stage:
        numbers = [number for number, kill in enumerate(kills) if kill.stage == stage]
        if numbers:
            durable = sum(len(kills[number].durable) for number in numbers)
            again = [repeated[number] for number in numbers]
            rows.append([f"kill -9 in stage {stage}", len(numbers), durable, sum(again), max(again)])
    again = list(repeated) or [0]
    rows.append(["all of them", len(kills), sum(len(kill.durable) for kill in kills), sum(again), max(again)])
    return in_markdown(
        ["kill", "kills", "blocks durable by then", "computed again, at most", "by one kill"], rows
    )


def _computed(store: Store, job_id: UUID) -> set[tuple[int, str]]:
    """Return (attempt, shard) for every shard in the store."""
    found = (PurePosixPath(stored.key).parts for stored in store.list(f"{job_prefix(job_id)}/attempts"))
    return {(int(attempt), "/".join(rest)) for _, _, _, attempt, kind, *rest in found if kind == "blocks"}
