# ruff: noqa: S311 - the draws are to be repeated, not to be secret
"""Owners share the workers: rounds of real dispatchers, and workers that claim what is published."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from uuid import UUID

import pytest
import redis
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue
from jobs.lifecycle import lifecycle
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.tables import Job, JobAttempt, OwnerShare
from tests.jobs.fleet.naive_turns import NaiveJob, NaiveQueue
from worker.broker.app import app
from worker.dispatch import Dispatcher

Database = sessionmaker[Session]
QueueJobs = Callable[..., list[NaiveJob]]


@pytest.fixture
def broker(environment: Settings, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    monkeypatch.setattr(app.conf, "broker_url", environment.broker_url.get_secret_value())
    return redis.Redis.from_url(environment.broker_url.get_secret_value())


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Workers are seen once: they stay alive for as long as the test takes."""
    return settings.model_copy(update={"lease_seconds": 3600.0, "heartbeat_seconds": 60.0})


@pytest.fixture
def queue_jobs(database: Database, spec: JobSpec) -> QueueJobs:
    """Queues a job for each pair of an owner and a priority."""

    def create(*wanted: tuple[str, int]) -> list[NaiveJob]:
        plain = {"spec": spec.canonical(), "sparsity": 0.5}
        plain |= dict.fromkeys(("recipe_fingerprint", "model", "method", "pattern"), "")
        rows = [{"owner": owner, "priority": priority, **plain} for owner, priority in wanted]
        with database.begin() as session:
            made = session.execute(insert(Job).returning(Job.id, Job.owner, Job.priority), rows)
            return [NaiveJob(row.id, row.owner, row.priority) for row in made]

    return create


class Fleet:
    """Workers that are alive and run nothing: each holds the job that it has claimed."""

    def __init__(self, database: Database, broker: redis.Redis, workers: int) -> None:
        self.database = database
        self.broker = broker
        self.idle = [f"worker-{number}" for number in range(workers)]
        self.busy: dict[str, lifecycle.Claim] = {}
        with database.begin() as session:
            for name in self.idle:
                dispatch_queue.worker_seen(session, name, "prune")

    def messages(self) -> Iterator[UUID]:
        """Take all messages, the oldest first."""
        while (message := self.broker.rpop("prune")) is not None:
            yield UUID(json.loads(base64.b64decode(json.loads(message)["body"]))[0][0])

    def claim_all(self) -> list[UUID]:
        """Let idle workers claim what is published. Returns the jobs in the order of the claims."""
        claimed = []
        for job_id in self.messages():
            with self.database.begin() as session:
                claim = lifecycle.claim(session, job_id, self.idle[-1], 30)
            if claim is not None:
                self.busy[self.idle.pop()] = claim
                claimed.append(job_id)
        return claimed

    def finish(self, worker: str, seconds: float) -> UUID:
        """End the job of a worker after so long."""
        claim = self.busy.pop(worker)
        with self.database.begin() as session:
            started = func.clock_timestamp() - text(f"interval '{seconds} seconds'")
            of_job = JobAttempt.job_id == claim.job_id
            session.execute(update(JobAttempt).where(of_job).values(started_at=started))
            assert lifecycle.succeed(session, claim, None, [])
        self.idle.append(worker)
        return claim.job_id


@pytest.mark.threat
def test_a_thousand_jobs_of_one_owner_keep_59_others_waiting_for_no_more_than_120_claims(
    database: Database, settings: Settings, broker: redis.Redis, queue_jobs: QueueJobs
) -> None:
    random = Random(59)
    fleet, dispatcher = Fleet(database, broker, 40), Dispatcher(database, settings)
    queued = queue_jobs(*[("giant", 0)] * 1000)
    naive = NaiveQueue(list(queued))
    assert dispatcher.round()
    claimed = fleet.claim_all()
    assert claimed == naive.publish(40), "nobody else was there yet: the giant has every worker"
    others = queue_jobs(*((f"owner-{number}", 0) for number in range(59)))
    naive.queued += others
    owner_of = {job.id: job.owner for job in queued + others}
    while {owner_of[job_id] for job_id in claimed} != {"giant", *(job.owner for job in others)}:
        assert len(claimed) <= 120
        for worker in random.sample([*fleet.busy], random.randint(1, 6)):
            seconds = random.uniform(600.0, 7200.0)
            owner = owner_of[fleet.finish(worker, seconds)]
            naive.in_use[owner] -= 1
            naive.recent[owner] = naive.recent.get(owner, 0.0) + seconds
        assert dispatcher.round()
        now = fleet.claim_all()
        assert now == naive.publish(len(now))
        assert not fleet.idle
        claimed += now
    assert len(claimed) <= 120
    assert Counter(owner_of[job_id] for job_id in claimed)["giant"] >= 40


@pytest.mark.parametrize("seed", range(2))
def test_every_job_runs_and_no_owner_runs_more_than_it_may_even_with_two_dispatchers(
    database: Database, settings: Settings, broker: redis.Redis, queue_jobs: QueueJobs, seed: int
) -> None:
    random = Random(seed)
    caps = {f"owner-{number}": random.choice([None, 1, 2, 3]) for number in range(6)}
    with database.begin() as session:
        for owner, cap in caps.items():
            weight = random.choice([0.1, 1.0, 5.0])
            session.add(
                OwnerShare(owner=owner, most_running=cap, weight=weight, may_cross=random.random() < 0.3)
            )
    wanted = [(random.choice([*caps]), random.choice([-5, 0, 0, 5])) for _ in range(60)]
    fleet = Fleet(database, broker, 8)
    dispatchers = [Dispatcher(database, settings) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(200):
            if wanted:
                queue_jobs(*wanted[:10])  # while others run
                del wanted[:10]
            assert all(pool.map(lambda dispatcher: dispatcher.round(), dispatchers))
            fleet.claim_all()
            for worker in random.sample([*fleet.busy], len(fleet.busy) // 2 + 1 if fleet.busy else 0):
                fleet.finish(worker, 0.0)
            if not wanted and not fleet.busy and _ended(database) == 60:
                break
    assert _ended(database) == 60
    for owner, cap in caps.items():
        assert cap is None or _most_at_once(database, owner) <= cap


def _ended(database: Database) -> int:
    with database.begin() as session:
        return session.scalars(select(func.count()).where(Job.state == JobState.SUCCEEDED)).one()


def _most_at_once(database: Database, owner: str) -> int:
    """Return how many of an owner's jobs were running at one moment, at most: by the log of its events."""
    with database.begin() as session:
        log = session.execute(
            text(
                "SELECT data ->> 'state' AS state FROM job_events JOIN jobs ON jobs.id = job_id "
                "WHERE owner = :owner AND kind = 'state' AND data ->> 'state' <> 'queued' ORDER BY at"
            ),
            {"owner": owner},
        )
        running = most = 0
        for (state,) in log:
            running += 1 if state == JobState.RUNNING else -1
            most = max(most, running)
    assert running == 0
    return most
