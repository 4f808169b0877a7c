"""What a stage costs: its preparation and its run, and nothing where it has nothing to compute."""

from typing import ClassVar

import pytest
import torch

from pruning.pipeline import recorder
from pruning.pipeline.recorder import StageRecorder
from pruning.progress import Step
from pruning.recipe import Stage


class Clock:
    """A clock that advances on demand only."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


class Events:
    """Records progress in order."""

    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def stage_started(self, stage: Stage, steps: int) -> None:
        self.seen.append(("started", stage, steps))

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        self.seen.append(("step", stage, done, steps))

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        self.seen.append(("finished", stage, seconds))


class StandInStage:
    """Takes 3 seconds to prepare and 4 to run."""

    name: ClassVar[Stage] = Stage.GRADIENTS

    def __init__(self, clock: Clock, events: Events, steps: int | None) -> None:
        self._clock, self._events, self._steps = clock, events, steps

    def prepare(self) -> int | None:
        self._events.seen.append(("prepared",))
        self._clock.now += 3
        return self._steps

    def run(self, step: Step) -> str:
        self._clock.now += 4
        step(1, 1)
        return "result"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(recorder, "time", clock)
    return clock


def test_the_cost_of_a_stage_includes_its_preparation(clock: Clock) -> None:
    events = Events()
    stages = StageRecorder(events, torch.device("cpu"))
    assert stages.run(StandInStage(clock, events, steps=1)) == "result"
    assert [(facts.name, facts.seconds) for facts in stages.facts] == [(Stage.GRADIENTS, 7.0)]
    assert events.seen == [
        ("prepared",),
        ("started", Stage.GRADIENTS, 1),
        ("step", Stage.GRADIENTS, 1, 1),
        ("finished", Stage.GRADIENTS, 7.0),
    ]


def test_a_stage_with_nothing_to_compute_is_run_but_not_recorded(clock: Clock) -> None:
    events = Events()
    stages = StageRecorder(events, torch.device("cpu"))
    assert stages.run(StandInStage(clock, events, steps=None)) == "result"
    assert stages.facts == []
    assert events.seen == [("prepared",)]


def test_a_preparation_that_ends_the_run_starts_no_stage(clock: Clock) -> None:
    class Blocked(StandInStage):
        def prepare(self) -> int | None:
            raise InterruptedError

    events = Events()
    stages = StageRecorder(events, torch.device("cpu"))
    with pytest.raises(InterruptedError):
        stages.run(Blocked(clock, events, steps=1))
    assert (stages.facts, events.seen) == ([], [])
