"""The time left, on a clock that the tests turn."""

import pytest

from jobs.spec import JobSpec
from pruning.recipe import Stage
from worker.estimate import TimeLeft, stage_work


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_stage_goes_on_at_its_own_pace_and_later_ones_at_the_jobs() -> None:
    clock = Clock()
    left = TimeLeft({Stage.GRADIENTS: 300.0, Stage.PRUNE: 200.0, Stage.EVALUATE: 100.0}, clock=clock)
    left.stage_started(Stage.RESOLVE)
    clock.seconds = 50  # loading is no work of the kind that the stages do
    left.stage_finished()
    left.stage_started(Stage.GRADIENTS)
    assert left.after_step(0, 10) is None
    clock.seconds += 30
    assert left.after_step(1, 10) == pytest.approx(9 * 30 + 300)
    clock.seconds += 270
    left.stage_finished()
    left.stage_started(Stage.PRUNE)
    clock.seconds += 100
    # Half of it took 100 s; 400 units of work took 400 s in all, and evaluation is 100 units.
    assert left.after_step(1, 2) == pytest.approx(100 + 100)


def test_nothing_is_said_before_there_is_anything_to_judge_by() -> None:
    left = TimeLeft({Stage.PRUNE: 1.0}, clock=Clock())
    left.stage_started(Stage.RESOLVE)
    assert left.after_step(1, 1) is None


def test_the_last_stage_is_judged_by_itself() -> None:
    clock = Clock()
    left = TimeLeft({}, clock=clock)
    left.stage_started(Stage.UPLOAD)
    clock.seconds = 3
    assert left.after_step(1, 4) == pytest.approx(9)


def spec(method: str) -> JobSpec:
    return JobSpec.model_validate(
        {
            "recipe": {
                "model": "org/name",
                "method": method,
                "sparsity": 0.5,
                "calibration": {"samples": 10, "sequence_length": 100},
            },
            "evaluation": {"windows": 5, "sequence_length": 200},
        }
    )


def test_work_follows_from_what_the_method_needs() -> None:
    assert stage_work(spec("gblm")) == {
        Stage.GRADIENTS: 3000.0,
        Stage.PRUNE: 2000.0,
        Stage.EVALUATE: 2000.0,
    }
    assert stage_work(spec("magnitude")) == {Stage.GRADIENTS: 0.0, Stage.PRUNE: 0.0, Stage.EVALUATE: 2000.0}
