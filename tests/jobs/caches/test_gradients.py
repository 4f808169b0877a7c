"""Gradient norms shared by jobs: computed once, waited for, found again, dropped in time."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.caches import gradients
from jobs.caches.gradients import Answer, Computing, Waiting
from jobs.fleet import dispatch_queue
from jobs.lifecycle import finished_blocks, lifecycle
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import Claim
from jobs.storage.store import StoredFile
from jobs.tables import NOW, CachedGradients, GradientShard, Job

Database = sessionmaker[Session]

STAGE = "gradients"
CONDITIONS = {"schedule": "streamed"}


@pytest.fixture
def take(database: Database, submit: Callable[[], UUID]) -> Callable[[], Claim]:
    """A new job, taken by a worker."""

    def take() -> Claim:
        with database.begin() as session:
            claim = lifecycle.claim(session, submit(), "worker", 3000)
        assert claim is not None
        return claim

    return take


def ask(database: Database, claim: Claim, fingerprint: str = "f") -> Answer:
    with database.begin() as session:
        return gradients.ask(session, claim, fingerprint)


def compute(database: Database, claim: Claim, fingerprint: str = "f", size: int = 10) -> bool:
    """Two blocks of the artifact, and one that was computed under other conditions."""
    with database.begin() as session:
        for block, conditions in ((0, CONDITIONS), (1, CONDITIONS), (2, {"schedule": "other"})):
            shard = StoredFile(f"jobs/{claim.job_id}/attempts/1/{block}", size, f"sha{block}")
            assert finished_blocks.keep(session, claim, STAGE, block, shard, conditions)
        return gradients.publish(session, claim, fingerprint, STAGE, CONDITIONS)


def waits(database: Database, claim: Claim, computing: UUID) -> None:
    with database.begin() as session:
        still = gradients.still_computing(session, "f", computing)
        assert lifecycle.requeue_until(session, claim, still, "waits")


def undispatched(database: Database) -> Sequence[UUID]:
    with database.begin() as session:
        return dispatch_queue.take_undispatched(session, "prune", 10)


def keys(answer: Answer) -> list[str]:
    assert not isinstance(answer, Computing | Waiting)
    return [shard.key for shard in answer]


def test_the_second_job_waits_until_the_first_has_published(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second = take(), take()
    assert ask(database, first) == Computing()
    assert ask(database, first) == Computing()  # also when it comes back
    assert ask(database, second) == Waiting(first.job_id)
    waits(database, second, first.job_id)
    assert undispatched(database) == []
    assert compute(database, first)
    assert undispatched(database) == [second.job_id]
    with database.begin() as session:
        again = lifecycle.claim(session, second.job_id, "worker", 30)
    assert again is not None
    assert keys(ask(database, again)) == [f"jobs/{first.job_id}/attempts/1/{block}" for block in (0, 1)]


def test_a_job_does_not_wait_for_norms_that_were_published_in_between(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second = take(), take()
    ask(database, first)
    ask(database, second)
    assert compute(database, first)
    waits(database, second, first.job_id)
    assert undispatched(database) == [second.job_id]


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_job_that_ends_without_publishing_unblocks_the_others(
    database: Database, take: Callable[[], Claim], end: str
) -> None:
    first, second, third = take(), take(), take()
    ask(database, first)
    for claim in (second, third):
        waits(database, claim, first.job_id)
    with database.begin() as session:
        if end == "failed":
            assert lifecycle.fail(session, first, JobError(type="internal", message="no"))
        else:
            assert lifecycle.cancel(session, first.owner, first.job_id)
    if end == "cancelled":
        assert undispatched(database) == []  # it may still be at it
        with database.begin() as session:
            assert lifecycle.finish_cancelling(session, first)
    assert set(undispatched(database)) == {second.job_id, third.job_id}
    with database.begin() as session:
        again = lifecycle.claim(session, second.job_id, "worker", 30)
    assert again is not None
    assert ask(database, again) == Computing()


def test_only_the_holder_of_the_computing_job_can_publish(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second = take(), take()
    ask(database, first)
    assert not compute(database, second)
    with database.begin() as session:
        assert lifecycle.hand_back(session, first, "the worker shuts down")
        assert not gradients.publish(session, first, "f", STAGE, CONDITIONS)


def test_damaged_norms_are_computed_again(database: Database, take: Callable[[], Claim]) -> None:
    first, second = take(), take()
    ask(database, first)
    assert compute(database, first)
    with database.begin() as session:
        gradients.discard(session, "f")
    assert ask(database, second) == Computing()
    with database.begin() as session:
        assert session.scalar(select(Job.orphaned_files_since).where(Job.id == first.job_id)) is not None
        assert session.scalars(select(GradientShard)).all() == []


def test_eviction_is_by_age_and_then_by_least_recent_use(
    database: Database, take: Callable[[], Claim]
) -> None:
    for fingerprint in ("ancient", "old", "new"):
        claim = take()
        ask(database, claim, fingerprint)
        assert compute(database, claim, fingerprint, size=100)
    ask(database, take(), "computing")
    with database.begin() as session:
        for fingerprint, days in (("ancient", 40), ("old", 2)):
            session.execute(
                update(CachedGradients)
                .where(CachedGradients.fingerprint == fingerprint)
                .values(used_at=NOW - timedelta(days=days))
            )

    def left(days: float, most_bytes: int) -> set[str]:
        with database.begin() as session:
            gradients.evict(session, days, most_bytes, 10)
            return set(session.scalars(select(CachedGradients.fingerprint)))

    assert left(30, 10_000) == {"old", "new", "computing"}
    assert left(30, 399) == {"new", "computing"}
    assert left(30, 199) == {"computing"}
