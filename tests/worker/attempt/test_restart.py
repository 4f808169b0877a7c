"""When an event says that finished blocks are computed again, and what it says."""

from typing import Any

from jobs.lifecycle.events import ChangedCondition, StageRestarted
from jobs.tables import JobBlock
from pruning.models.placement import Placement
from pruning.recipe import Stage
from pruning.resume.store import COMMON_CONDITIONS
from pruning.runtime.device import cuda_versions
from tests.pruning.families import make
from worker.attempt.resume_store import restart

HERE: dict[str, Any] = {"device": "cuda:0 (NVIDIA H100)", "threads": 8, "numerics": 1}
ELSEWHERE = HERE | {"device": "cuda:0 (NVIDIA A100)"}
OTHER_DEVICE = ChangedCondition(name="device", before="cuda:0 (NVIDIA A100)", now="cuda:0 (NVIDIA H100)")


def row(attempt: int, stage: Stage, block: int, key: dict[str, Any]) -> JobBlock:
    return JobBlock(attempt=attempt, stage=stage, block=block, numerics_key=key)


IDENTITY = row(1, Stage.RESOLVE, 0, {})


def test_there_is_no_restart_event_while_no_block_is_lost() -> None:
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


def test_blocks_lost_by_an_earlier_attempt_are_not_reported_again() -> None:
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


def test_gates_are_not_lost_for_the_norms_that_are_computed_after_them() -> None:
    gates = {"norms": "gates", "schedule": "whole", "micro_batch": 8}
    norms = {"norms": "l1", "schedule": "streamed", "micro_batch": 4}
    rows = [row(1, Stage.GRADIENTS, 2, HERE | gates)]
    assert restart(1, Stage.GRADIENTS, rows, HERE | norms) is None
    rows.append(row(1, Stage.GRADIENTS, 0, HERE | norms))
    event = restart(2, Stage.GRADIENTS, rows, HERE | norms | {"micro_batch": 2})
    assert event is not None
    assert (event.blocks, event.reason) == (1, "micro_batch 4 before, 2 now")
    moved = restart(2, Stage.CUT, rows, ELSEWHERE)
    assert moved is not None
    assert moved.blocks == 2


def test_the_conditions_of_all_stages_are_those_of_a_placement() -> None:
    placement = Placement(make("llama"))
    on_cuda_only = cuda_versions() | placement._attention_backend()
    assert placement.numerics_key.keys() | on_cuda_only.keys() == COMMON_CONDITIONS


def test_another_attention_backend_loses_the_blocks_of_all_stages() -> None:
    rows = [row(1, Stage.GRADIENTS, 0, HERE | {"attention backend": "cudnn_attention"})]
    event = restart(2, Stage.PRUNE, rows, HERE | {"attention backend": "flash_attention"})
    assert event is not None
    assert (event.blocks, event.reason) == (
        1,
        "attention backend cudnn_attention before, flash_attention now",
    )
