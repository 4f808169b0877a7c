# ruff: noqa: S311 - the draws are to be repeated, not to be secret
"""In whose turn jobs are claimed, compared with the rule in memory."""

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import Engine, case, func, insert, select, text, update
from sqlalchemy.orm import Session

from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.queue import backlog, workers
from jobs.spec.job import JobSpec
from jobs.tables import DailyUse, Job, JobAttempt, OwnerShare, RecentUse
from tests.claims import claimed
from tests.jobs.queue.fleet import GPU_80G, LARGE, SMALL, claim, register, submit
from tests.jobs.queue.naive_turns import NaiveJob, NaiveQueue
from tests.plans import explaining
from tests.tiers import nightly

Queue = Callable[..., UUID]
MANY = 60


@pytest.fixture
def queue(database: Database, spec: JobSpec) -> Queue:
    """Queues a job of an owner; there are many idle workers."""
    with database.begin() as session:
        for number in range(MANY):
            register(session, f"w{number}")

    def create(owner: str, priority: int = 0, **values: object) -> UUID:
        with database.begin() as session:
            return submit(session, spec, owner, priority=priority, **values)

    return create


def share(database: Database, owner: str, **granted: object) -> None:
    with database.begin() as session:
        session.add(OwnerShare(owner=owner, **granted))


def take(database: Database, count: int, *, first: int = 0) -> list[lifecycle.Claim]:
    """Let so many workers claim a job each."""
    found = []
    for number in range(first, first + count):
        with database.begin() as session:
            found.append(claim(session, f"w{number % MANY}"))
    return [each for each in found if each is not None]


def ids(claims: list[lifecycle.Claim]) -> list[UUID]:
    return [each.job_id for each in claims]


def finish(database: Database, claim: lifecycle.Claim, seconds: float = 0.0) -> None:
    """End an attempt that has taken so long."""
    with database.begin() as session:
        started = func.clock_timestamp() - text(f"interval '{seconds} seconds'")
        session.execute(
            update(JobAttempt).where(JobAttempt.job_id == claim.job_id).values(started_at=started)
        )
        assert lifecycle.succeed(session, claim, None, [])


def test_on_one_worker_owners_take_turns_by_the_time_that_they_have_used(
    database: Database, queue: Queue
) -> None:
    ada, eve = [queue("ada") for _ in range(4)], [queue("eve") for _ in range(4)]
    order = []
    for seconds in (100.0, 30.0, 30.0, 30.0, 30.0):
        [found] = take(database, 1)
        order.append(found.job_id)
        finish(database, found, seconds)
    assert order == [ada[0], *eve[:4]]


def test_what_was_used_six_hours_ago_counts_half(database: Database, queue: Queue) -> None:
    with database.begin() as session:
        long_ago = func.clock_timestamp() - text("interval '6 hours'")
        session.add(RecentUse(owner="ada", queue="cpu", seconds=100.0, at=long_ago))
        session.add(RecentUse(owner="eve", queue="other", seconds=7.0))
        shares = backlog.shares_of(session, "cpu", ["ada", "eve"])
    recent = {share.owner: share.recent_seconds for share in shares}
    assert recent == {"ada": pytest.approx(50.0, rel=1e-3), "eve": 0.0}


@pytest.mark.threat
def test_priority_orders_an_owners_own_jobs_and_no_others(database: Database, queue: Queue) -> None:
    eve, first, second = queue("eve"), queue("ada"), queue("ada", priority=50)
    low = queue("eve", priority=-1)
    assert ids(take(database, 4)) == [eve, second, first, low]


def test_no_more_of_an_owners_jobs_are_claimed_than_may_run(database: Database, queue: Queue) -> None:
    share(database, "ada", max_running=2)
    with database.begin() as session:
        register(session, "gpu", "gpu.80g", GPU_80G)
    ada, elsewhere = [queue("ada") for _ in range(4)], queue("ada", needs=LARGE)
    claims = take(database, 10)
    assert ids(claims) == ada[:2]

    def elsewhere_claimed() -> UUID | None:
        with database.begin() as session:
            found = claim(session, "gpu")
            return None if found is None else found.job_id

    assert elsewhere_claimed() is None
    finish(database, claims[0])
    assert elsewhere_claimed() == elsewhere
    assert take(database, 10) == []


def test_of_claims_at_once_no_more_succeed_than_the_owner_may_run(database: Database, queue: Queue) -> None:
    share(database, "ada", max_running=2)
    for _ in range(8):
        queue("ada")
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda number: take(database, 1, first=number), range(8)))
    assert len([each for each in claims if each]) == 2


def test_device_seconds_are_recorded_by_owner_day_and_queue(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        for name, machine in {
            "two GPUs": {"device": "cuda (H100), cuda (H100)", "devices": 2},
            "a CPU": {"device": "cpu", "devices": 1},
            "unmeasured": None,
        }.items():
            register(session, name)
            session.execute(
                text("UPDATE workers SET machine = CAST(:machine AS jsonb) WHERE name = :name"),
                {"name": name, "machine": machine and json.dumps(machine)},
            )
    began = time.monotonic()
    for worker, seconds in (("two GPUs", 100.0), ("a CPU", 10.0), ("two GPUs", 1.0), ("unmeasured", 5.0)):
        with database.begin() as session:
            found = claimed(session, submit(session, spec), worker)
        finish(database, found, seconds)
    took = time.monotonic() - began
    with database.begin() as session:
        used = session.scalars(select(DailyUse)).all()
        [row] = used if len(used) == 1 else [used[-1]]  # around midnight there are two days
        recent = session.scalars(select(RecentUse.seconds)).one()
    assert (row.owner, row.queue) == ("ada", "cpu")
    assert sum(each.gpu_seconds for each in used) == pytest.approx(202.0, abs=2 * took)
    assert sum(each.cpu_seconds for each in used) == pytest.approx(15.0, abs=took)
    assert recent == pytest.approx(217.0, abs=2 * took)


def queue_many(session: Session, spec: JobSpec, wanted: list[tuple[str, int, float]]) -> list[NaiveJob]:
    """Queue a job for each owner, priority and time on a CPU."""
    plain = {"spec": spec.model_dump(mode="json"), "sparsity": 0.5}
    plain |= dict.fromkeys(("recipe_fingerprint", "model", "method", "pattern"), "")
    rows = [
        {
            "owner": owner,
            "priority": priority,
            "needs": SMALL.model_copy(update={"cpu_seconds": seconds}).model_dump(),
            **plain,
        }
        for owner, priority, seconds in wanted
    ]
    made = session.execute(insert(Job).returning(Job.id, Job.owner, Job.priority), rows)
    return [NaiveJob(row.id, row.owner, row.priority) for row in made]


@pytest.mark.parametrize("seed", [0, 1, *map(nightly, range(2, 5))])
def test_any_queue_is_claimed_as_the_rule_says(database: Database, spec: JobSpec, seed: int) -> None:
    random = Random(seed)
    owners = [f"owner-{number}" for number in range(random.randint(2, 9))]
    weights = {owner: random.choice([0.5, 1.0, 3.0]) for owner in owners if random.random() < 0.5}
    caps = {owner: random.randint(1, 6) for owner in owners if random.random() < 0.3}
    recent = {owner: random.uniform(1e3, 1e5) for owner in owners}
    with database.begin() as session:
        register(session, "w")
        for owner in owners:
            granted = {"weight": weights.get(owner, 1.0), "max_running": caps.get(owner)}
            session.add(OwnerShare(owner=owner, **granted))
            session.add(RecentUse(owner=owner, queue="cpu", seconds=recent[owner], at=text("now()")))
        queued = queue_many(
            session,
            spec,
            [
                (random.choice(owners), random.choice([-1, 0, 0, 0, 1, 2]), random.choice([1.0, 2.0, 3.0]))
                for _ in range(120)
            ],
        )
    naive = NaiveQueue(queued, weights, caps, recent=recent)
    owner_of = {job.id: job.owner for job in queued}
    running: list[lifecycle.Claim] = []
    while True:
        taken = []
        for _ in range(random.randint(1, 30)):
            with database.begin() as session:
                workers.record_worker_heartbeat(session, "w", "cpu")
                found = claim(session, "w")
            taken += [] if found is None else [found]
            assert ([] if found is None else [found.job_id]) == naive.publish(1)
        if not taken and not running:
            break
        running += taken
        random.shuffle(running)
        for each in running[: len(running) // 2 + 1]:
            finish(database, each)
            naive.in_use[owner_of[each.job_id]] -= 1
        running = running[len(running) // 2 + 1 :]
    assert not naive.queued


@pytest.mark.threat
def test_a_thousand_jobs_of_one_owner_delay_59_others_by_at_most_120_claims(
    database: Database, spec: JobSpec
) -> None:
    random = Random(59)
    with database.begin() as session:
        for number in range(40):
            register(session, f"w{number}")
        queue_many(session, spec, [("giant", 0, 1.0)] * 1000)
    running = take(database, 40)
    assert len(running) == 40, "no other owner is there yet: the giant has every worker"
    others = {f"owner-{number}" for number in range(59)}
    with database.begin() as session:
        queue_many(session, spec, [(owner, 0, 1.0) for owner in sorted(others)])
    served: Counter[str] = Counter()
    while others - {*served}:
        ended = running.pop(random.randrange(len(running)))
        finish(database, ended, random.uniform(600.0, 7200.0))
        running += take(database, 1, first=random.randrange(40))
        served[running[-1].owner] += 1
        assert served.total() <= 80
    assert served["giant"] <= 21


def test_a_long_queue_is_read_no_further_than_the_first_jobs_of_each_group(
    engine: Engine, database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        register(session, "w")
        queue_many(session, spec, [(f"owner-{number % 5}", 0, number % 3) for number in range(3000)])
    with engine.begin() as connection:
        connection.execute(text("ANALYZE jobs"))
    with explaining(engine) as asked, database.begin() as session:
        assert claim(session, "w") is not None
    assert sum(each.read for each in asked) < 500


def test_a_claim_fetches_no_interrupted_job_that_waits_or_has_nothing_to_resume(
    engine: Engine, database: Database, spec: JobSpec
) -> None:
    """As thousands are after an outage of the Hub."""
    with database.begin() as session:
        register(session, "w")
        queue_many(session, spec, [("ada", 0, number % 3) for number in range(500)])
        later = case((Job.priority == 0, text("now() + interval '1 hour'")))
        session.execute(update(Job).values(attempt=1, next_try_at=later))
        queue_many(session, spec, [("eve", 1, number % 3) for number in range(500)])
        session.execute(update(Job).values(attempt=1))
    with explaining(engine) as asked, database.begin() as session:
        assert claim(session, "w") is not None
    assert max(each.touched for each in asked) < 10
