"""When an event says that finished blocks are computed again, and what it says."""

from typing import Any

import pytest

from jobs.lifecycle.events import ChangedCondition, StageRestarted
from jobs.tables import JobBlock
from pruning.model.placement import Placement
from pruning.recipe import Stage
from tests.pruning.families import make
from worker.attempt.reporting.restart import OF_THE_WORKER, restart

HERE: dict[str, Any] = {"device": "cuda:0 (NVIDIA H100)", "threads": 8, "numerics": 1}
ELSEWHERE = HERE | {"device": "cuda:0 (NVIDIA A100)"}
OTHER_DEVICE = ChangedCondition(name="device", before="cuda:0 (NVIDIA A100)", now="cuda:0 (NVIDIA H100)")


def row(attempt: int, stage: Stage, block: int, key: dict[str, Any]) -> JobBlock:
    return JobBlock(attempt=attempt, stage=stage, block=block, numerics_key=key)


IDENTITY = row(1, Stage.RESOLVE, 0, {})


def test_nothing_is_said_while_nothing_is_lost() -> None:
    assert restart(1, Stage.PRUNE, [], HERE) is None
    assert restart(2, Stage.PRUNE, [IDENTITY, row(1, Stage.PRUNE, 0, HERE)], HERE) is None


def test_all_blocks_that_are_lost_are_counted_whatever_their_stage() -> None:
    rows = [IDENTITY, row(1, Stage.GRADIENTS, 0, ELSEWHERE), row(1, Stage.GRADIENTS, 1, ELSEWHERE)]
    expected = StageRestarted(attempt=2, stages=[Stage.GRADIENTS], blocks=2, changes=[OTHER_DEVICE])
    assert restart(2, Stage.PRUNE, rows, HERE) == expected
    pruned = row(2, Stage.PRUNE, 0, ELSEWHERE | {"gradients: micro_batch": 4})
    both = restart(3, Stage.PRUNE, [*rows, pruned], HERE | {"gradients: micro_batch": 4})
    assert both is not None
    assert (both.stages, both.blocks) == ([Stage.GRADIENTS, Stage.PRUNE], 3)


def test_what_the_attempt_before_had_lost_is_not_said_again() -> None:
    rows = [row(1, Stage.PRUNE, 5, ELSEWHERE), row(2, Stage.PRUNE, 0, HERE)]
    assert restart(3, Stage.PRUNE, rows, HERE) is None
    back = restart(3, Stage.PRUNE, rows, ELSEWHERE)
    assert back is not None
    assert back.blocks == 1


def test_the_reason_is_the_condition_and_not_what_follows_from_it() -> None:
    before = {"gradients: micro_batch": 8, "gradients l2": "ab" * 32}
    now = {"gradients: micro_batch": 4, "gradients l2": "cd" * 32, "trained weights": "ef" * 32}
    event = restart(2, Stage.PRUNE, [row(1, Stage.PRUNE, 0, HERE | before)], HERE | now)
    assert event is not None
    assert event.reason == "micro_batch 8 before, 4 now"
    consequence = {"gradients l2": "ab" * 32}
    rows = [row(1, Stage.PRUNE, 0, HERE | consequence)]
    assert restart(2, Stage.PRUNE, rows, HERE | {"gradients l2": "cd" * 32}) is None


def test_the_conditions_of_the_worker_are_those_of_its_placement() -> None:
    of_a_cpu = Placement(make("llama")).numerics_key.keys()
    assert OF_THE_WORKER - of_a_cpu == {"triton", "cudnn"}
    assert of_a_cpu <= OF_THE_WORKER


def test_a_release_that_asks_for_more_than_the_one_before_says_so() -> None:
    rows = [IDENTITY, *(row(1, Stage.PRUNE, block, HERE) for block in range(3))]
    event = restart(2, Stage.PRUNE, rows, HERE | {"windows at once": 4})
    assert event is not None
    assert (event.stages, event.blocks) == ([Stage.PRUNE], 3)
    assert event.reason == "windows at once not recorded before, 4 now"
    rows = [row(1, Stage.PRUNE, 0, HERE | {"windows at once": 4})]
    event = restart(2, Stage.PRUNE, rows, HERE)
    assert event is not None
    assert event.reason == "windows at once 4 before, not recorded now"


def test_a_condition_of_all_workers_that_is_new_is_told_once_for_all_stages() -> None:
    rows = [row(1, stage, 0, HERE | {"schedule": "whole"}) for stage in (Stage.GRADIENTS, Stage.PRUNE)]
    event = restart(2, Stage.GRADIENTS, rows, HERE | {"schedule": "whole", "cudnn": "9.1"})
    assert event is not None
    assert (event.blocks, event.reason) == (2, "cudnn not recorded before, 9.1 now")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param({"gradients l2": "ab" * 32}, {"gradients: micro_batch": 4}, id="norms of a cache"),
        pytest.param({"gates: micro_batch": 4}, {"gates": "ab" * 32}, id="gates that were published"),
        pytest.param({"section 3": True}, {"section 4": True}, id="sections of lanes"),
        pytest.param({}, {"section 0": True}, id="a section and the whole"),
        pytest.param({"windows that judge blocks": 16}, {"windows at once": 4}, id="two cuts in one stage"),
    ],
)
def test_what_differs_between_the_computations_of_one_run_is_no_restart(
    before: dict[str, Any], now: dict[str, Any]
) -> None:
    for stored, asked in ((before, now), (now, before)):
        assert restart(2, Stage.CUT, [row(1, Stage.CUT, 0, HERE | stored)], HERE | asked) is None


def test_with_a_condition_that_has_changed_names_that_follow_from_it_are_not_told() -> None:
    of_a_cpu = row(1, Stage.PRUNE, 0, HERE | {"device": "cpu"})
    event = restart(2, Stage.PRUNE, [of_a_cpu], HERE | {"triton": "3.4", "cudnn": "9.1"})
    assert event is not None
    assert [change.name for change in event.changes] == ["device"]
