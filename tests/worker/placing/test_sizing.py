"""What jobs need is estimated before they are placed, for all owners alike."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from jobs.fleet import machines
from jobs.lifecycle import owner_moves
from jobs.spec.job import JobSpec
from jobs.states import PlacementState
from pruning.estimate import ASSUMED
from pruning.recipe import is_local
from tests.worker.placing.fleet import OF_SIZE, Fleet
from worker.dispatcher.sizing import Sizing


def sizing_module() -> Any:
    import worker.dispatcher.sizing

    return worker.dispatcher.sizing


@dataclass
class Slow:
    """Sizing by a clock that a test sets, where some configs cannot be read before it ends."""

    fleet: Fleet
    sizing: Sizing
    asked: list[str]
    now: float = 0.0

    def rounds_until_sized(self, job_id: UUID) -> None:
        deadline = time.monotonic() + 120
        while self.fleet.job(job_id).placement == PlacementState.UNSIZED:
            self.sizing.round()
            assert time.monotonic() < deadline

    def waits(self, *job_ids: UUID) -> list[bool]:
        self.sizing.round()
        return [self.fleet.job(job_id).placement == PlacementState.UNSIZED for job_id in job_ids]


@pytest.fixture
def slow(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """Configs of the Hub, and those of 405B, cannot be read."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    hangs, real = Event(), sizing_module().shape_of

    def shape_of(model: Any, *others: Any) -> Any:
        slow.asked.append(model.id)
        if "405B" in model.id or not is_local(model.id):
            hangs.wait(60)
        return real(model, *others)

    monkeypatch.setattr(sizing_module(), "shape_of", shape_of)
    slow = Slow(fleet, Sizing(fleet.database, fleet.settings, clock=lambda: slow.now), [])
    yield slow
    slow.sizing.stop()
    hangs.set()


def of_another_model(fleet: Fleet, number: int, owner: str = "ada") -> UUID:
    """Submit a job on a copy of 405B."""
    OF_SIZE[f"405B-{number}"] = OF_SIZE["405B"]
    return fleet.submit(f"405B-{number}", owner=owner)


def test_a_disk_that_hangs_delays_only_the_jobs_that_wait_for_it(slow: Slow) -> None:
    hanging, alike, quick = (slow.fleet.submit(size) for size in ("405B", "405B", "8B"))
    slow.rounds_until_sized(quick)
    assert slow.waits(hanging, alike) == [True, True]
    slow.now = 21.0
    assert slow.waits(hanging, alike) == [False, False]
    assert slow.fleet.job(hanging).needs is None
    assert len(slow.asked) == 2, "a config is read once for all jobs of its model"


def test_patience_begins_when_the_reading_does_and_has_an_end(slow: Slow) -> None:
    jobs = [of_another_model(slow.fleet, number) for number in range(3)]  # for two threads of an owner
    quick = slow.fleet.submit("8B", owner="eve")
    slow.rounds_until_sized(quick)
    slow.now = 21.0
    assert slow.waits(*jobs) == [False, False, True]
    slow.now = 121.0
    assert slow.waits(*jobs) == [False, False, False]


def test_a_hub_that_hangs_for_everybody_delays_no_model_on_a_disk(slow: Slow, spec: JobSpec) -> None:
    with slow.fleet.database.begin() as session:
        of_the_hub = [
            owner_moves.create(session, owner, with_model(spec, f"org/{owner}-{number}")).id
            for owner in ("mia", "eve", "tom")
            for number in range(2)
        ]
    slow.rounds_until_sized(slow.fleet.submit("8B"))
    assert slow.waits(*of_the_hub) == [True] * 6


def with_model(spec: JobSpec, name: str) -> JobSpec:
    fields = spec.canonical()
    return JobSpec.model_validate(fields | {"recipe": fields["recipe"] | {"model": name}})


@pytest.mark.threat
def test_many_jobs_of_one_owner_keep_those_of_others_waiting_for_no_estimate(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizing_module(), "_JOBS_PER_ROUND", 8)
    monkeypatch.setattr(sizing_module(), "_OF_AN_OWNER", 3)
    many = [of_another_model(slow.fleet, number, "giant") for number in range(12)]
    slow.sizing.round()
    slow.rounds_until_sized(slow.fleet.submit("8B", owner="eve"))
    assert all(slow.waits(*many))
    # Where nobody else waits, one owner has the whole round.
    tiny = [slow.fleet.submit("tiny", owner="tom") for _ in range(8)]
    slow.rounds_until_sized(tiny[-1])
    assert not any(slow.waits(*tiny))


def test_offline_no_job_waits_for_the_hub(
    fleet: Fleet, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(sizing_module(), "shape_of", lambda *_: pytest.fail("the Hub was asked"))
    fleet.worker(23)
    with fleet.database.begin() as session:
        job_id = owner_moves.create(session, "ada", spec).id
    fleet.sizing.round()
    assert (fleet.job(job_id).placement, fleet.job(job_id).needs) == (PlacementState.SIZED, None)


def test_what_is_quick_on_the_slowest_cpu_that_is_there_goes_to_a_cpu(fleet: Fleet) -> None:
    gpu, cpu = fleet.worker(80), fleet.worker(0, "quick")

    def measured(name: str, operations: float, **others: float) -> None:
        rates = {"float32": operations, **others}
        machine = ASSUMED.model_copy(update={"operations_per_second": rates, "bytes_per_second": 1e12})
        with fleet.database.begin() as session:
            machines.measured(session, name, cpu, machine)

    unmeasured = fleet.submit("8B")
    fleet.rounds()
    assert fleet.class_of(unmeasured) == gpu
    measured("quick", 1e15)
    quick = fleet.submit("8B")
    fleet.rounds()
    assert fleet.class_of(quick) == cpu
    fleet.worker(0, "slow")
    measured("slow", 1e11)
    slow = fleet.submit("8B")
    fleet.rounds()
    assert fleet.class_of(slow) == gpu
    measured("slow", 1e11, bfloat16=1e16)  # the slowest in a dtype that it does not compute in
    again = fleet.submit("8B")
    fleet.rounds()
    assert fleet.class_of(again) == cpu
