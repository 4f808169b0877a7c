"""Workers of one class that have different amounts."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import redis
from sqlalchemy import null, select, update

from jobs.fleet import dispatch_queue, line, machines, placing
from jobs.lifecycle import lifecycle
from jobs.placement.classes import Capacity, fits_any
from jobs.placement.needs import Needs
from jobs.states import JobState
from jobs.tables import Job
from tests.worker.placing.fleet import GIB, OUT_OF_MEMORY, Fleet
from worker.attempt.claim import claimed
from worker.identity import Identity


def test_a_job_that_a_small_worker_refused_goes_to_one_that_fits(
    fleet: Fleet, broker: redis.Redis, worker: Identity, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """All workers of a class take messages from one queue: the small one may be the fastest every time."""
    fleet.worker(0, worker.name, host_bytes=16 * GIB)
    fleet.worker(0, "large", host_bytes=64 * GIB)
    job_id = fleet.submit("tiny", {"host_memory_bytes": 40 * GIB})
    fleet.rounds()

    def takes_a_message() -> bool:
        with claimed(job_id, fleet.settings, worker) as attempt:
            return attempt is not None

    with ThreadPoolExecutor(1) as pool:
        took = pool.submit(takes_a_message)
        eventually(lambda: fleet.job(job_id).dispatched_at is None)
        fleet.rounds()
        assert fleet.job(job_id).dispatched_at is not None
        assert not took.done(), "it takes no other message before the job has begun elsewhere"
        fleet.claim(job_id, "large")
        assert not took.result(20)


def test_unlike_workers_of_a_class_are_sent_what_they_can_run(
    fleet: Fleet, broker: redis.Redis, worker: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.attempt.claim._ASIDE_SECONDS", 0.0)
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
