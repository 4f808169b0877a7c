"""Activation checkpoints are saved as often as they are worth it, by a clock that the tests advance."""

from pruning.resume.store import SaveThrottle
from tests.clock import Clock


def test_the_first_checkpoint_is_due_when_its_assumed_cost_is_10_percent() -> None:
    clock = Clock()
    throttle = SaveThrottle(clock)
    clock.seconds += 49.0
    assert throttle.is_due(1_900_000_000)  # 4.75 s at 400 MB a second
    assert not throttle.is_due(2_000_000_000)
    assert throttle.is_due(0)


def test_checkpoints_take_at_most_a_tenth_of_the_time_whatever_a_block_takes() -> None:
    for block_seconds in (0.3, 1.0, 7.0, 100.0):
        clock = Clock()
        throttle, saving, work, unsaved = SaveThrottle(clock), 0.0, 0.0, 0.0
        for _ in range(300):
            clock.seconds += block_seconds
            work += block_seconds
            unsaved += block_seconds
            assert unsaved <= 10 * 4.0 + block_seconds
            if throttle.is_due(1_600_000_000):
                with throttle.saving():
                    clock.seconds += 4.0
                saving += 4.0
                unsaved = 0.0
        assert saving <= work / 10
        assert saving > 0
