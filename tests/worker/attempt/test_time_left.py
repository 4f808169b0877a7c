"""The time left, on a clock that the tests set."""

import pytest

from pruning.recipe import Stage
from tests.clock import Clock
from worker.attempt.progress import TimeLeft

EXPECTED = {Stage.GRADIENTS: 300.0, Stage.PRUNE: 200.0, Stage.EVALUATE: 100.0, Stage.UPLOAD: 10.0}


def test_the_estimate_is_believed_until_something_was_measured() -> None:
    clock = Clock(0.0)
    left = TimeLeft({}, clock=clock)
    left.stage_started(Stage.RESOLVE)
    assert left.after_step(0, 1) is None
    left.expect(EXPECTED)  # the model is known now
    clock.seconds = 50
    assert left.after_step(1, 1) == pytest.approx(610)
    left.stage_finished()
    left.stage_started(Stage.GRADIENTS)
    assert left.after_step(0, 10) == pytest.approx(610)


def test_a_stage_continues_at_its_pace_and_later_ones_at_the_average_pace() -> None:
    clock = Clock(0.0)
    left = TimeLeft(EXPECTED, clock=clock)
    left.stage_started(Stage.RESOLVE)
    clock.seconds = 50  # loading says nothing of how fast the device is
    left.stage_finished()
    left.stage_started(Stage.GRADIENTS)
    clock.seconds += 60  # twice as slow as it was expected to be; the upload is not slower for it
    assert left.after_step(1, 10) == pytest.approx(9 * 60 + 2 * 300 + 10)
    clock.seconds += 540
    left.stage_finished()
    left.stage_started(Stage.PRUNE)
    assert left.after_step(0, 2) == pytest.approx(2 * 300 + 10)
    clock.seconds += 50
    # 400 s of work took 650 s in all.
    assert left.after_step(1, 2) == pytest.approx(50 + 100 * 650 / 400 + 10)


def test_a_stage_that_is_not_computed_again_says_nothing_of_the_pace() -> None:
    clock = Clock(0.0)
    left = TimeLeft(EXPECTED, clock=clock)
    left.stage_started(Stage.GRADIENTS)
    left.stage_reused()
    clock.seconds += 2
    assert left.after_step(1, 2) == pytest.approx(2 + 310)
    left.stage_finished()
    left.stage_started(Stage.PRUNE)
    assert left.after_step(0, 10) == pytest.approx(310)


def test_without_an_estimate_a_stage_is_judged_by_itself() -> None:
    clock = Clock(0.0)
    left = TimeLeft({}, clock=clock)
    left.stage_started(Stage.UPLOAD)
    clock.seconds = 3
    assert left.after_step(1, 4) == pytest.approx(9)
