# ruff: noqa: S311 - the draws are to be repeated, not to be secret
"""Which jobs of a queue are next, compared with the rule in memory."""

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue, line
from jobs.lifecycle import lifecycle, owner_moves
from jobs.spec.job import JobSpec
from jobs.tables import DailyUse, Job, JobAttempt, OwnerShare, QueueTurn, RecentUse
from tests.jobs.fleet.naive_turns import NaiveJob, NaiveQueue

Database = sessionmaker[Session]
Queue = Callable[..., UUID]


@pytest.fixture
def queue(database: Database, spec: JobSpec) -> Queue:
    """Queues a job of an owner."""

    def create(owner: str, priority: int = 0, queue: str = "prune") -> UUID:
        with database.begin() as session:
            job_id = owner_moves.create(session, owner, spec, priority=priority).id
            session.execute(update(Job).where(Job.id == job_id).values(queue=queue))
            return job_id

    return create


def share(database: Database, owner: str, **granted: object) -> None:
    with database.begin() as session:
        session.add(OwnerShare(owner=owner, **granted))


def publish(database: Database, count: int, queue: str = "prune") -> list[UUID]:
    with database.begin() as session:
        taken = dispatch_queue.take_undispatched(session, queue, count)
        dispatch_queue.mark_dispatched(session, taken)
    return list(taken)


def claim(database: Database, job_id: UUID, worker: str = "worker") -> lifecycle.Claim | None:
    with database.begin() as session:
        return lifecycle.claim(session, job_id, worker, 30)


def finish(database: Database, claim: lifecycle.Claim | None, seconds: float = 0.0) -> None:
    """End an attempt that has taken so long."""
    assert claim is not None
    with database.begin() as session:
        started = func.clock_timestamp() - text(f"interval '{seconds} seconds'")
        session.execute(
            update(JobAttempt).where(JobAttempt.job_id == claim.job_id).values(started_at=started)
        )
        assert lifecycle.succeed(session, claim, None, [])


def test_an_owner_with_many_jobs_does_not_go_before_another(database: Database, queue: Queue) -> None:
    ada = [queue("ada") for _ in range(4)]
    eve = [queue("eve") for _ in range(2)]
    assert publish(database, 6) == [ada[0], eve[0], ada[1], eve[1], ada[2], ada[3]]


def test_on_one_worker_owners_take_turns_by_the_time_that_they_have_used(
    database: Database, queue: Queue
) -> None:
    ada, eve = [queue("ada") for _ in range(4)], [queue("eve") for _ in range(4)]
    order = []
    for seconds in (100.0, 30.0, 30.0, 30.0, 30.0):
        [job_id] = publish(database, 1)
        order.append(job_id)
        finish(database, claim(database, job_id), seconds)
    assert order == [ada[0], *eve[:4]]


def test_what_was_used_six_hours_ago_counts_half(database: Database, queue: Queue) -> None:
    queue("ada"), queue("eve")
    with database.begin() as session:
        long_ago = func.clock_timestamp() - text("interval '6 hours'")
        session.add(RecentUse(owner="ada", queue="prune", seconds=100.0, at=long_ago))
        session.add(RecentUse(owner="eve", queue="other", seconds=7.0))
        recent = {
            share.owner: share.recent_seconds for share in line.shares_of(session, "prune", ["ada", "eve"])
        }
    assert recent == {"ada": pytest.approx(50.0, rel=1e-3), "eve": 0.0}


def test_an_owner_of_twice_the_weight_has_twice_as_many(database: Database, queue: Queue) -> None:
    share(database, "ada", weight=2.0)
    owner_of = {queue(owner): owner for owner in ("ada", "eve") for _ in range(30)}
    assert Counter(owner_of[job_id] for job_id in publish(database, 30)) == {"ada": 20, "eve": 10}


@pytest.mark.threat
def test_priority_orders_an_owners_own_jobs_and_no_others(database: Database, queue: Queue) -> None:
    eve, first, second = queue("eve"), queue("ada"), queue("ada", priority=50)
    low = queue("eve", priority=-1)
    assert publish(database, 4) == [eve, second, low, first]


def test_an_owner_that_may_cross_has_at_most_every_other_turn(database: Database, queue: Queue) -> None:
    share(database, "ada", may_cross=True)
    eve, urgent = [queue("eve") for _ in range(4)], [queue("ada", priority=1) for _ in range(6)]
    assert publish(database, 1) == [urgent[0]]
    assert publish(database, 3) == [eve[0], urgent[1], eve[1]]
    assert publish(database, 3) == [urgent[2], eve[2], urgent[3]]
    ordinary = [queue("ada"), queue("mia")]
    assert publish(database, 1) == [ordinary[1]], "the turn is of whoever has none"
    assert publish(database, 3) == [urgent[4], eve[3], urgent[5]]


def test_whether_the_last_one_has_crossed_is_remembered_by_queue(database: Database, queue: Queue) -> None:
    share(database, "ada", may_cross=True, weight=0.1)
    with database.begin() as session:
        session.add(RecentUse(owner="ada", queue="prune", seconds=1.0))
        session.add(RecentUse(owner="ada", queue="other", seconds=1.0))
    eve, urgent = [queue("eve") for _ in range(3)], [queue("ada", priority=1) for _ in range(3)]
    elsewhere = queue("ada", priority=1, queue="other")
    queue("eve", queue="other")
    assert publish(database, 1) == [urgent[0]]
    assert publish(database, 1, "other") == [elsewhere]
    assert publish(database, 2) == [eve[0], urgent[1]]
    with database.begin() as session:
        assert dict(session.execute(select(QueueTurn.queue, QueueTurn.crossed)).all()) == {
            "prune": True,
            "other": True,
        }


def test_no_more_of_an_owners_jobs_are_published_than_may_run(database: Database, queue: Queue) -> None:
    share(database, "ada", most_running=2)
    ada, elsewhere = [queue("ada") for _ in range(4)], queue("ada", queue="other")
    assert publish(database, 10) == ada[:2]
    assert publish(database, 10, "other") == []
    first = claim(database, ada[0])
    assert publish(database, 10) == []
    finish(database, first)
    assert publish(database, 1, "other") == [elsewhere]
    assert publish(database, 10) == []


def test_of_claims_at_once_no_more_succeed_than_the_owner_may_run(database: Database, queue: Queue) -> None:
    share(database, "ada", most_running=2)
    jobs = [queue("ada") for _ in range(8)]
    with database.begin() as session:
        dispatch_queue.mark_dispatched(session, jobs)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda job_id: claim(database, job_id), jobs))
    assert len([each for each in claims if each is not None]) == 2
    with database.begin() as session:
        waiting = select(func.count()).where(Job.state == "queued", Job.dispatched_at.is_(None))
        assert session.scalar(waiting) == 6, "the others are published again when they may run"


def test_a_job_that_another_transaction_holds_is_left_out(database: Database, queue: Queue) -> None:
    ada = [queue("ada") for _ in range(3)]
    with database.begin() as session:
        session.execute(select(Job.id).where(Job.id == ada[0]).with_for_update())
        assert publish(database, 2) == [ada[1]]


def test_device_seconds_are_recorded_by_owner_day_and_queue(database: Database, queue: Queue) -> None:
    with database.begin() as session:
        for name, machine in {
            "two GPUs": {"device": "cuda (H100), cuda (H100)", "devices": 2},
            "a CPU": {"device": "cpu", "devices": 1},
        }.items():
            dispatch_queue.worker_seen(session, name, "prune")
            session.execute(
                text("UPDATE workers SET machine = CAST(:machine AS jsonb) WHERE name = :name"),
                {"name": name, "machine": json.dumps(machine)},
            )
    began = time.monotonic()
    for worker, seconds in (("two GPUs", 100.0), ("a CPU", 10.0), ("two GPUs", 1.0), ("unmeasured", 5.0)):
        finish(database, claim(database, queue("ada"), worker), seconds)
    took = time.monotonic() - began
    with database.begin() as session:
        used = session.scalars(select(DailyUse)).all()
        [row] = used if len(used) == 1 else [used[-1]]  # around midnight there are two days
        recent = session.scalars(select(RecentUse.seconds)).one()
    assert (row.owner, row.queue) == ("ada", "prune")
    assert sum(each.gpu_seconds for each in used) == pytest.approx(202.0, abs=2 * took)
    assert sum(each.cpu_seconds for each in used) == pytest.approx(15.0, abs=took)
    assert recent == pytest.approx(217.0, abs=2 * took)


@pytest.mark.parametrize("seed", range(5))
def test_any_queue_is_published_as_the_rule_says(database: Database, spec: JobSpec, seed: int) -> None:
    random = Random(seed)
    owners = [f"owner-{number}" for number in range(random.randint(2, 9))]
    weights = {owner: random.choice([0.5, 1.0, 3.0]) for owner in owners if random.random() < 0.5}
    caps = {owner: random.randint(1, 6) for owner in owners if random.random() < 0.3}
    crossing = [owner for owner in owners if random.random() < 0.3]
    recent = {owner: random.uniform(1e3, 1e5) for owner in owners}
    with database.begin() as session:
        for owner in owners:
            granted = {"weight": weights.get(owner, 1.0), "most_running": caps.get(owner)}
            session.add(OwnerShare(owner=owner, may_cross=owner in crossing, **granted))
            session.add(RecentUse(owner=owner, queue="prune", seconds=recent[owner], at=text("now()")))
        made = session.execute(
            insert(Job).returning(Job.id, Job.owner, Job.priority),
            [
                {
                    "owner": random.choice(owners),
                    "priority": random.choice([-1, 0, 0, 0, 1, 2]),
                    "spec": spec.canonical(),
                    "recipe_fingerprint": "",
                    "model": "",
                    "method": "",
                    "pattern": "",
                    "sparsity": 0.5,
                }
                for _ in range(120)
            ],
        )
        queued = [NaiveJob(row.id, row.owner, row.priority) for row in made]
    naive = NaiveQueue(queued, weights, caps, crossing, recent=recent)
    owner_of = {job.id: job.owner for job in queued}
    running: list[lifecycle.Claim | None] = []
    while True:
        count = random.randint(1, 30)
        taken = publish(database, count)
        assert taken == naive.publish(count)
        if not taken and not running:
            break
        running += [claim(database, job_id) for job_id in taken]
        random.shuffle(running)
        for each in running[: len(running) // 2 + 1]:
            finish(database, each)
            assert each is not None
            naive.in_use[owner_of[each.job_id]] -= 1
        running = running[len(running) // 2 + 1 :]
    assert not naive.queued
