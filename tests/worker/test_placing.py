"""Simulated workers of 24, 80 and 141 GB beside a real dispatcher: which class each job is given to."""

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import pytest
import redis
from sqlalchemy import null, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue, line, machines, placing, waiting
from jobs.fleet.waiting import WaitsFor
from jobs.lifecycle import event_log, lifecycle
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import Claim
from jobs.placement.classes import UNPLACED, Capacity, class_of, fits_any
from jobs.placement.needs import Needs
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import Cause, JobState, PlacementState
from jobs.tables import Job, Worker
from worker.attempt.claim import claimed
from worker.broker.app import app
from worker.dispatch import Dispatcher
from worker.dispatcher.sizing import Sizing
from worker.identity import Identity

Database = sessionmaker[Session]

GIB = 2**30
TB = 10**12
LLAMA = {
    "model_type": "llama",
    "vocab_size": 128_256,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
OF_SIZE = {
    "405B": (16_384, 126, 53_248, 128),
    "8B": (4096, 32, 14_336, 32),
    "tiny": (64, 2, 128, 4),
}
OUT_OF_MEMORY = JobError(type="out_of_memory", message="too small; use a larger machine", cause=Cause.REQUEST)
LONG_AGO = text("clock_timestamp() - interval '31 seconds'")


@dataclass
class Fleet:
    """Rows of workers, jobs of models of known sizes, and the dispatcher's two parts that place them."""

    database: Database
    settings: Settings
    dispatcher: Dispatcher
    sizing: Sizing
    models: Path

    def worker(
        self, gibibytes: float, name: str | None = None, queue: str | None = None, **changed: int
    ) -> str:
        """Declare a worker: a CPU for 0 GiB, or a GPU with so much free memory. Returns its class.

        `queue`: another queue that it reads in place of that of its devices.
        """
        has = Capacity(
            gpus=int(gibibytes > 0),
            device_bytes=int(gibibytes * GIB),
            host_bytes=200 * GIB,
            scratch_bytes=20 * TB,
        ).model_copy(update=changed)
        queue = queue or class_of(has)
        with self.database.begin() as session:
            machines.declared(session, name or queue, [queue], has)
        return queue

    def gone(self, name: str) -> None:
        with self.database.begin() as session:
            dispatch_queue.worker_gone(session, name)

    def submit(self, size: str, placement: dict[str, Any] | None = None) -> UUID:
        hidden, blocks, middle, heads = OF_SIZE[size]
        directory = self.models / size
        directory.mkdir(parents=True, exist_ok=True)
        shape = {
            "hidden_size": hidden,
            "num_hidden_layers": blocks,
            "intermediate_size": middle,
            "num_attention_heads": heads,
        }
        (directory / "config.json").write_text(json.dumps(LLAMA | shape))
        recipe = {"model": str(directory), "method": "gblm", "sparsity": 0.5}
        spec = JobSpec.model_validate({"recipe": recipe, "placement": placement})
        with self.database.begin() as session:
            return lifecycle.create(session, "ada", spec).id

    def rounds(self) -> None:
        """Let the dispatcher read the configs, estimate, place and publish."""
        deadline = time.monotonic() + 20
        while True:
            self.sizing.round()
            with self.database.begin() as session:
                if not placing.unsized(session, 1):
                    break
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert self.dispatcher.round()

    def job(self, job_id: UUID) -> Job:
        with self.database.begin() as session:
            return session.get_one(Job, job_id)

    def class_of(self, job_id: UUID) -> str | None:
        job = self.job(job_id)
        return job.queue if job.placement == PlacementState.PLACED else None

    def reason(self, job_id: UUID) -> waiting.Wait:
        with self.database.begin() as session:
            return waiting.waits(session, [session.get_one(Job, job_id)], self.settings.lease_seconds)[job_id]

    def told(self, job_id: UUID) -> list[str]:
        with self.database.begin() as session:
            events = event_log.since(session, job_id, 0)
        texts = [
            getattr(event.data, "message", None) or getattr(event.data, "reason", None) for event in events
        ]
        return [said for said in texts if said]

    def claim(self, job_id: UUID, worker: str) -> Claim:
        with self.database.begin() as session:
            claim = lifecycle.claim(session, job_id, worker, 30)
        assert claim is not None
        return claim

    def runs_out_of_memory(self, job_id: UUID, worker: str) -> Job:
        claim = self.claim(job_id, worker)
        with self.database.begin() as session:
            assert placing.move_up(session, claim, worker, OUT_OF_MEMORY, self.settings.lease_seconds)
        return self.job(job_id)


@pytest.fixture
def fleet(
    environment: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Fleet]:
    monkeypatch.setattr(app.conf, "broker_url", environment.broker_url.get_secret_value())
    settings = environment.model_copy(update={"model_roots": (tmp_path,)})
    sizing = Sizing(database, settings)
    clock = count(0.0, settings.heartbeat_seconds)  # each look at it is a heartbeat later
    dispatcher = Dispatcher(database, settings, clock=lambda: next(clock))
    yield Fleet(database, settings, dispatcher, sizing, tmp_path / "models")
    sizing.stop()


@pytest.fixture
def broker(environment: Settings) -> redis.Redis:
    return redis.Redis.from_url(environment.broker_url.get_secret_value())


def test_each_job_is_given_to_the_smallest_class_that_it_fits(fleet: Fleet, broker: redis.Redis) -> None:
    assert [fleet.worker(size) for size in (141, 23, 79, 0)] == ["gpu.141g", "gpu.24g", "gpu.80g", "cpu"]
    large, middle, tiny = (fleet.submit(size) for size in ("405B", "8B", "tiny"))
    fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in (large, middle, tiny)] == ["gpu.80g", "gpu.24g", "cpu"]
    assert [broker.llen(queue) for queue in ("gpu.141g", "gpu.80g", "gpu.24g", "cpu", UNPLACED)] == [
        *(0, 1, 1, 1, 0)
    ]
    assert fleet.told(large) == [], "that a job waits in the queue of its class is no news"
    assert fleet.reason(large) == waiting.Wait(WaitsFor.ITS_TURN, 1)
    needs = Needs.model_validate(fleet.job(large).needs)
    assert 24 * GIB < needs.device_bytes < 79 * GIB


def test_405b_never_reaches_24_gb(fleet: Fleet, broker: redis.Redis) -> None:
    small = fleet.worker(23)
    job_id = fleet.submit("405B")
    started = time.monotonic()
    while fleet.job(job_id).placement != PlacementState.UNSCHEDULABLE:
        fleet.rounds()
        assert time.monotonic() - started < 5
    wait = fleet.reason(job_id)
    assert wait.reason == WaitsFor.UNSCHEDULABLE
    assert wait.shortage is not None
    assert "fits nowhere" in wait.shortage
    assert "class gpu.24g is nearest" in wait.shortage
    assert "gpu.80g or larger" in wait.shortage
    assert [broker.llen(queue) for queue in (small, UNPLACED)] == [0, 0]
    assert fleet.told(job_id) == [wait.shortage]
    for _ in range(3):  # it is told once
        fleet.rounds()
    assert fleet.worker(22.5, "another of 24 GB") == small
    fleet.rounds()
    assert len(fleet.told(job_id)) == 1
    # A message of before does not make such a worker take it either.
    assert not may_claim(fleet, job_id, small)
    fleet.worker(79)
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.80g"
    assert broker.llen("gpu.80g") == 1
    assert fleet.told(job_id)[1:] == ["a worker of class gpu.80g is connected, and the job fits it"]
    assert fleet.job(job_id).unschedulable_since is None
    assert may_claim(fleet, job_id, "gpu.80g")


def may_claim(fleet: Fleet, job_id: UUID, worker: str) -> bool:
    with fleet.database.begin() as session:
        return placing.fits_worker(session, job_id, worker)


def test_out_of_memory_goes_one_class_up_and_no_further_than_there_are_classes(fleet: Fleet) -> None:
    for size in (141, 23, 79, 0):
        fleet.worker(size)
    job_id = fleet.submit("8B")
    fleet.rounds()
    for before, after in (("gpu.24g", "gpu.80g"), ("gpu.80g", "gpu.141g")):
        assert fleet.class_of(job_id) == before
        job = fleet.runs_out_of_memory(job_id, before)
        assert (job.state, job.lost_attempts, job.error) == (JobState.QUEUED, 0, None)
        assert fleet.told(job_id)[-1] == (
            f"out of memory on a worker of class {before}: the job goes to class {after}"
        )
        assert not may_claim(fleet, job_id, before)
        fleet.rounds()
    failed = fleet.runs_out_of_memory(job_id, "gpu.141g")
    assert failed.state == JobState.FAILED, "a CPU would take days, and is not larger"
    assert failed.error is not None
    assert failed.error["message"] == OUT_OF_MEMORY.message
    with fleet.database.begin() as session:
        lifecycle.retry(session, "ada", job_id)
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.141g", "a retry knows what smaller workers had too little for"


def test_a_worker_that_said_nothing_fails_a_job_that_runs_out_of_memory(fleet: Fleet) -> None:
    fleet.worker(79)
    job_id = fleet.submit("8B")
    assert fleet.runs_out_of_memory(job_id, "of the release before").state == JobState.FAILED


def test_what_a_request_says_holds_in_place_of_the_estimate(fleet: Fleet) -> None:
    for size in (23, 79, 0):
        fleet.worker(size)
    modest = fleet.submit("405B", {"device_memory_bytes": 20 * 10**9})
    greedy = fleet.submit("tiny", {"gpus": 1, "device_memory_bytes": 60 * 10**9})
    fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in (modest, greedy)] == ["gpu.24g", "gpu.80g"]


def test_a_model_that_only_workers_have_begins_small_and_its_worker_sends_it_where_it_fits(
    fleet: Fleet,
) -> None:
    for size in (23, 79):
        fleet.worker(size)
    job_id = fleet.submit("405B")
    (fleet.models / "405B" / "config.json").unlink()
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.24g"
    assert fleet.job(job_id).needs is None
    claim = fleet.claim(job_id, "gpu.24g")
    needs = Needs(device_bytes=60 * 10**9, host_bytes=1, cpu_bytes=1, cpu_seconds=1e6)
    with fleet.database.begin() as session:
        assert not placing.fits_here(session, claim, "gpu.24g", needs)
        assert placing.send_elsewhere(session, claim, needs, 30)
    assert fleet.class_of(job_id) == "gpu.80g"
    assert fleet.told(job_id)[-1].endswith("it goes to class gpu.80g")
    claim = fleet.claim(job_id, "gpu.80g")
    with fleet.database.begin() as session:
        assert placing.fits_here(session, claim, "gpu.80g", needs)
    fleet.gone("gpu.80g")
    with fleet.database.begin() as session:
        assert placing.send_elsewhere(session, claim, needs, 30)
    fleet.rounds()
    assert fleet.job(job_id).placement == PlacementState.UNSCHEDULABLE


def test_workers_that_take_every_job_are_served_as_before_there_were_classes(
    fleet: Fleet, broker: redis.Redis
) -> None:
    with fleet.database.begin() as session:
        dispatch_queue.worker_seen(session, "of the release before", UNPLACED)
    job_id = fleet.submit("405B")
    fleet.rounds()
    assert broker.llen(UNPLACED) == 1
    assert fleet.job(job_id).queue == UNPLACED
    # Beside workers of classes it takes only what fits none of them.
    fleet.worker(23)
    small = fleet.submit("8B")
    fleet.rounds()
    assert [fleet.class_of(one) for one in (job_id, small)] == [UNPLACED, "gpu.24g"]
    assert fleet.told(job_id) == []


def test_jobs_that_were_published_to_everybody_move_to_a_class_once_there_is_one(
    fleet: Fleet, broker: redis.Redis
) -> None:
    job_id = fleet.submit("8B")
    with fleet.database.begin() as session:
        dispatch_queue.worker_seen(session, "of the release before", UNPLACED)
    fleet.rounds()
    assert broker.llen(UNPLACED) == 1, "the only worker takes every job"
    with fleet.database.begin() as session:
        dispatch_queue.worker_gone(session, "of the release before")
    fleet.worker(79)
    fleet.rounds()
    assert (fleet.class_of(job_id), broker.llen("gpu.80g")) == ("gpu.80g", 1)


def test_silent_and_unknown_workers_make_no_class_and_a_quarantined_one_keeps_its(fleet: Fleet) -> None:
    for size in (23, 79, 141):
        fleet.worker(size)
    with fleet.database.begin() as session:
        session.execute(update(Worker).where(Worker.name == "gpu.24g").values(seen_at=LONG_AGO))
        session.execute(update(Worker).where(Worker.name == "gpu.80g").values(quarantined_at=LONG_AGO))
        dispatch_queue.worker_seen(session, "untested", "unknown")
        assert sorted(placing.live_classes(session, 30)) == ["gpu.141g", "gpu.80g"]


def test_a_hub_that_hangs_delays_only_the_jobs_that_wait_for_it(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, hangs, asked = [0.0], Event(), []
    real = sizing_module().shape_of

    def shape_of(model: Any, *others: Any) -> Any:
        asked.append(model.id)
        if "405B" in model.id:
            hangs.wait(30)
        return real(model, *others)

    monkeypatch.setattr(sizing_module(), "shape_of", shape_of)
    sizing = Sizing(fleet.database, fleet.settings, clock=lambda: now[0])
    try:
        slow, quick = fleet.submit("405B"), fleet.submit("8B")
        deadline = time.monotonic() + 20
        while fleet.job(quick).placement == PlacementState.UNSIZED:
            sizing.round()
            assert time.monotonic() < deadline
        assert fleet.job(slow).placement == PlacementState.UNSIZED
        now[0] = 21.0
        sizing.round()
        assert (fleet.job(slow).placement, fleet.job(slow).needs) == (PlacementState.SIZED, None)
        assert len(asked) == 2, "a config is read once for all jobs of its model"
    finally:
        hangs.set()
        sizing.stop()


def sizing_module() -> Any:
    import worker.dispatcher.sizing

    return worker.dispatcher.sizing


def test_a_worker_leaves_a_job_that_it_has_too_little_for(
    fleet: Fleet, worker: Identity, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    fleet.worker(23, worker.name)
    job_id = fleet.submit("405B")
    fleet.worker(79)
    fleet.rounds()
    with claimed(job_id, fleet.settings, worker) as attempt:
        assert attempt is None
    assert fleet.job(job_id).state == JobState.QUEUED
    assert fleet.job(job_id).dispatched_at is None, "it is published again"
    assert fleet.job(job_id).placement == PlacementState.SIZED, "where it fits"
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.80g"


def test_unlike_workers_of_a_class_are_sent_what_they_can_run(
    fleet: Fleet, broker: redis.Redis, worker: Identity
) -> None:
    fleet.worker(0, worker.name, host_bytes=16 * GIB)
    fleet.worker(0, "large", host_bytes=64 * GIB)
    large = [fleet.submit("tiny", {"host_memory_bytes": 40 * GIB}) for _ in range(3)]
    small = [fleet.submit("tiny", {"host_memory_bytes": 10 * GIB}) for _ in range(2)]
    fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in large + small] == ["cpu"] * 5

    def published() -> list[UUID]:
        jobs = [fleet.job(job_id) for job_id in large + small]
        return [it.id for it in jobs if it.state == JobState.QUEUED and it.dispatched_at is not None]

    assert published() == [large[0], small[0]], "one for each"
    with claimed(large[0], fleet.settings, worker) as attempt:  # it is faster than the large one
        assert attempt is None
    assert published() == [small[0]]
    fleet.rounds()
    assert published() == [large[0], small[0]], "nobody else has gone ahead of it"
    fleet.claim(large[0], "large")
    ends = fleet.claim(small[0], worker.name)
    fleet.rounds()
    assert published() == [], "both are busy"
    with fleet.database.begin() as session:
        assert lifecycle.fail(session, ends, OUT_OF_MEMORY)
    fleet.rounds()
    assert published() == [small[1]], "only the small one is idle"
    ends = fleet.claim(small[1], worker.name)
    with fleet.database.begin() as session:
        assert lifecycle.fail(session, ends, OUT_OF_MEMORY)
        # So a worker for one job ends: there is none that it could take.
        small_has, large_has = (machines.capacity_of(session, name) for name in (worker.name, "large"))
        assert not dispatch_queue.can_be_taken(session, "cpu", small_has)
        assert not placing.may_be_given(session, worker.name)
        assert dispatch_queue.can_be_taken(session, "cpu", large_has)


def test_the_database_finds_the_jobs_that_fit_as_the_rule_does(fleet: Fleet) -> None:
    draw = random.Random(0)  # noqa: S311 - cases, no secrets
    sizes = (0, 1, 24, 80, 10**13)

    def amounts(*names: str) -> dict[str, int]:
        return {name: draw.choice(sizes) for name in names}

    known: dict[UUID, Needs | None] = {}
    for _ in range(30):
        needs = Needs(
            gpus=draw.randrange(3), **amounts("device_bytes", "host_bytes", "cpu_bytes", "scratch_bytes")
        )
        known[fleet.submit("tiny")] = needs if draw.random() < 0.9 else None
    with fleet.database.begin() as session:
        for job_id, wanted in known.items():
            stored = null() if wanted is None else wanted.model_dump()
            session.execute(update(Job).where(Job.id == job_id).values(needs=stored))
    for _ in range(30):
        has = [
            Capacity(gpus=draw.randrange(3), **amounts("device_bytes", "host_bytes", "scratch_bytes"))
            for _ in range(draw.randrange(1, 4))
        ]
        with fleet.database.begin() as session:
            found = set(session.scalars(select(Job.id).where(line.fit_any(has))))
        assert found == {job_id for job_id, wanted in known.items() if fits_any(wanted, has)}


@pytest.mark.threat
def test_a_request_that_says_nothing_is_needed_takes_no_cpu_for_a_job_of_weeks(fleet: Fleet) -> None:
    for size in (0, 23):
        fleet.worker(size)
    nothing = {"device_memory_bytes": 0, "host_memory_bytes": 0, "scratch_bytes": 0}
    job_id = fleet.submit("405B", nothing)
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.24g", "a quarter of the estimate fits there"
    # Nor does it where the dispatcher cannot read the model, and its worker does not believe it.
    unread = fleet.submit("405B", nothing)
    (fleet.models / "405B" / "config.json").unlink()
    fleet.sizing = Sizing(fleet.database, fleet.settings)
    fleet.rounds()
    assert fleet.class_of(unread) == "gpu.24g"
    claim = fleet.claim(unread, "gpu.24g")
    with fleet.database.begin() as session:
        needs = Needs(device_bytes=60 * 10**9, cpu_bytes=10**13, cpu_seconds=1e6)
        assert not placing.fits_here(session, claim, "gpu.24g", needs)
        assert placing.send_elsewhere(session, claim, needs, 30)
    fleet.rounds()
    assert fleet.job(unread).placement == PlacementState.UNSCHEDULABLE


@pytest.mark.threat
@pytest.mark.parametrize("beside", [(), (23,)])
def test_what_no_worker_has_is_not_given_to_those_that_take_jobs_of_no_class(
    fleet: Fleet, broker: redis.Redis, beside: tuple[int, ...]
) -> None:
    assert fleet.worker(79, "of no class", UNPLACED) == UNPLACED
    for size in beside:
        fleet.worker(size)
    greedy = [fleet.submit("tiny", {"device_memory_bytes": 10**13, "gpus": 1}) for _ in range(4)]
    fleet.rounds()
    large = fleet.submit("405B")
    for _ in range(3):
        fleet.rounds()
    assert [fleet.job(job_id).placement for job_id in greedy] == [PlacementState.UNSCHEDULABLE] * 4
    for job_id in greedy:
        wait = fleet.reason(job_id)
        assert wait.reason == WaitsFor.UNSCHEDULABLE
        assert fleet.told(job_id) == [wait.shortage]
        assert "10000.0 GB of GPU memory" in str(wait.shortage)
    assert (fleet.class_of(large), broker.llen(UNPLACED)) == (UNPLACED, 1)
    assert may_claim(fleet, large, "of no class")


@pytest.mark.threat
def test_a_class_whose_worker_comes_back_smaller_is_left_by_the_jobs_that_it_cannot_run(
    fleet: Fleet, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.dispatch._PLACED_PER_ROUND", 2)
    fleet.worker(79, scratch_bytes=5 * TB)
    needy = [fleet.submit("tiny", {"gpus": 1, "scratch_bytes": 5 * TB}) for _ in range(5)]
    for _ in range(3):
        fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in needy] == ["gpu.80g"] * 5
    fleet.gone("gpu.80g")
    fleet.rounds()
    assert {fleet.class_of(job_id) for job_id in needy} == {"gpu.80g"}, "they wait for their class"
    fleet.worker(79, scratch_bytes=5 * TB - 1)
    modest = fleet.submit("tiny", {"gpus": 1})
    for _ in range(6):
        fleet.rounds()
    assert [fleet.job(job_id).placement for job_id in needy] == [PlacementState.UNSCHEDULABLE] * 5
    assert "scratch disk" in str(fleet.reason(needy[-1]).shortage)
    assert fleet.job(modest).dispatched_at is not None
    fleet.worker(79, "another", scratch_bytes=6 * TB)
    fleet.worker(79, scratch_bytes=6 * TB)
    for _ in range(3):
        fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in needy] == ["gpu.80g"] * 5


def test_jobs_of_no_class_find_one_once_nobody_takes_them(fleet: Fleet) -> None:
    fleet.worker(79, "of no class", UNPLACED)
    job_id = fleet.submit("405B")
    fleet.rounds()
    assert fleet.class_of(job_id) == UNPLACED
    fleet.gone("of no class")
    fleet.worker(141)
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.141g"


def test_offline_no_job_waits_for_the_hub(
    fleet: Fleet, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(sizing_module(), "shape_of", lambda *_: pytest.fail("the Hub was asked"))
    fleet.worker(23)
    with fleet.database.begin() as session:
        job_id = lifecycle.create(session, "ada", spec).id
    fleet.sizing.round()
    assert (fleet.job(job_id).placement, fleet.job(job_id).needs) == (PlacementState.SIZED, None)
