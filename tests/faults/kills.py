"""What a kill has cost: which blocks of a job were durable at that moment, and which are computed again."""

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

# A kill in these finds one block begun and not durable; the others are no sequence of blocks.
BLOCK_BY_BLOCK = (Stage.GRADIENTS, Stage.PRUNE, Stage.EVALUATE)


@dataclass(frozen=True)
class Kill:
    """A worker killed in the middle of a job's attempt. Shards are named `<stage>/<file>`."""

    job_id: UUID
    attempt: int
    stage: Stage
    kept: frozenset[str]
    """The shards that had rows."""

    def repeated(self, store: Store, damaged: Collection[str]) -> int:
        """Blocks that later attempts have computed again because of it, those that were half done included.

        Once the job has ended, and before its litter is swept. `damaged`: shards that had to be made again.
        """
        ours, later = set(), set()
        for attempt, shard in _computed(store, self.job_id):
            if attempt == self.attempt:
                ours.add(shard)
            elif attempt > self.attempt:
                later.add(shard)
        again = later - set(damaged)
        # Of the block that it was working on, only the attempt that was killed has known how far it was.
        in_the_middle = self.stage in BLOCK_BY_BLOCK
        return len(self.kept & again) + max(int(in_the_middle), len((ours - self.kept) & again))


def durable(stack: Stack, job_id: UUID) -> frozenset[str]:
    """The shards of a job that have rows by now."""
    with stack.database.begin() as session:
        rows = session.execute(select(JobBlock.stage, JobBlock.key).where(JobBlock.job_id == job_id))
        return frozenset(shard_name(stage, key) for stage, key in rows)


def shard_name(stage: str, key: str) -> str:
    """The same in every attempt."""
    return f"{stage}/{PurePosixPath(key).name}"


def table_of_kills(kills: Sequence[Kill], repeated: Sequence[int]) -> str:
    """In Markdown, a line for each stage. `repeated`: of each kill."""
    rows = []
    for stage in Stage:
        ours = [number for number, kill in enumerate(kills) if kill.stage == stage]
        if ours:
            kept = sum(len(kills[number].kept) for number in ours)
            again = [repeated[number] for number in ours]
            rows.append([f"kill -9 in stage {stage}", len(ours), kept, sum(again), max(again)])
    again = list(repeated) or [0]
    rows.append(["all of them", len(kills), sum(len(kill.kept) for kill in kills), sum(again), max(again)])
    return in_markdown(
        ["kill", "kills", "blocks durable by then", "computed again, at most", "by one kill"], rows
    )


def _computed(store: Store, job_id: UUID) -> set[tuple[int, str]]:
    """Attempts, and the shards that they have written."""
    found = (PurePosixPath(stored.key).parts for stored in store.list(f"{job_prefix(job_id)}/attempts"))
    return {(int(attempt), "/".join(rest)) for _, _, _, attempt, kind, *rest in found if kind == "blocks"}
