"""Why blocks that were finished are computed again: other conditions, such as another device."""

from collections.abc import Sequence
from typing import Any

from jobs.lifecycle.events import ChangedCondition, StageRestarted
from jobs.tables import JobBlock
from pruning.pipeline import NumericsKey, changed_numerics, unqualified_name
from pruning.recipe import Stage

WORKER_FIELDS = frozenset(
    {
        "device",
        "dtype",
        "threads",
        "attention",
        "processor",
        "torch",
        "transformers",
        "triton",
        "cudnn",
        "numerics",
    }
)
"""The names of `Placement.numerics_key`, which all stages of an attempt have in common."""


def restart(attempt: int, stage: Stage, rows: Sequence[JobBlock], now: NumericsKey) -> StageRestarted | None:
    """Return the event of a stage that begins under the key `now`; None where nothing is lost for it.

    `rows`: the finished blocks of the job, of all stages. Only what the latest attempt with one had finished
    can be lost now: what it had lost itself was reported then.
    """
    latest = max((row.attempt for row in rows if row.numerics_key), default=0)
    before: dict[str, Any] = {}
    for row in rows:
        if row.attempt == latest:
            before = _changed(stage, row, now) | before
    if not before:
        return None
    lost = [row for row in rows if _changed(stage, row, now)]
    return StageRestarted(
        attempt=attempt,
        stages=[each for each in Stage if any(row.stage == each for row in lost)],
        blocks=len(lost),
        changes=[
            ChangedCondition(name=unqualified_name(name), before=str(before[name]), now=str(now[name]))
            for name in before
        ],
    )


def _changed(stage: Stage, row: JobBlock, now: NumericsKey) -> dict[str, Any]:
    """Return by name what was otherwise when a block was finished; of other stages, what all have alike."""
    found = changed_numerics(row.numerics_key, now)
    return {name: found[name] for name in found if row.stage == stage or name in WORKER_FIELDS}
