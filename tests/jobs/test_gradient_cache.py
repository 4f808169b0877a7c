"""Gradient norms shared by jobs: computed once, waited for, found again, dropped in time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, event, select, update
from sqlalchemy.orm import Session

from jobs import caches
from jobs.caches import CachedNorms, ComputedElsewhere
from jobs.database import Database
from jobs.lifecycle import attempt_files, lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import backlog
from jobs.queue.resources import Needs
from jobs.spec.job import JobSpec
from jobs.storage.store import StoredFile
from jobs.sweeps import sweeps
from jobs.tables import NOW, CachedGradients, GradientShard, Job
from tests import claims
from tests.claims import wait_until_blocked
from tests.conftest import Submit

STAGE = "gradients"
CONDITIONS = {"schedule": "streamed"}


@pytest.fixture
def take(database: Database, submit: Submit) -> Callable[[], Claim]:
    """A new job, taken by a worker."""
    return lambda: claims.take(database, submit(), "worker", 3000)


COMPUTING = CachedNorms({}, frozenset({"f"}))


def ask(
    database: Database, claim: Claim, *wanted: str, later: Sequence[str] = ()
) -> CachedNorms | ComputedElsewhere:
    with database.begin() as session:
        return caches.find_gradients(session, claim, wanted or ["f"], later)


def compute(
    database: Database, claim: Claim, fingerprint: str = "f", size: int = 10, first_number: int = 0
) -> bool:
    """Two blocks of the norm, whose shards have every second number, and one under other conditions."""
    numbers = {block: first_number + 2 * block for block in (0, 1)}
    with database.begin() as session:
        for number in (*numbers.values(), 4):
            shard = StoredFile(f"jobs/{claim.job_id}/attempts/1/{number}", size, f"sha{number}")
            conditions = {"schedule": "other"} if number == 4 else CONDITIONS
            assert attempt_files.record_block(session, claim, STAGE, number, shard, conditions)
        return caches.publish_gradients(session, claim, fingerprint, STAGE, CONDITIONS, numbers)


def waits(database: Database, claim: Claim, computing: UUID, fingerprint: str = "f") -> None:
    with database.begin() as session:
        still = caches.still_computing(session, fingerprint, computing)
        assert lifecycle.requeue_until(session, claim, still, "waits")


def end(database: Database, *claims: Claim) -> None:
    with database.begin() as session:
        for claim in claims:
            assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))


def claimable(database: Database) -> Sequence[UUID]:
    with database.begin() as session:
        return backlog.next_jobs(session, "cpu", backlog.groups(session), 10).jobs


def keys(answer: CachedNorms | ComputedElsewhere, fingerprint: str = "f") -> list[str]:
    assert isinstance(answer, CachedNorms)
    return [shard.key for shard in answer.shards[fingerprint]]


def test_norms_of_blocks_computed_before_under_other_numbers_are_published(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second = take(), take()
    assert ask(database, first) == COMPUTING
    with database.begin() as session:
        for number in (0, 2):
            shard = StoredFile(f"newer/{number}", 10, "sha")
            newer = CONDITIONS | {"numerics": 9}
            assert attempt_files.record_block(session, first, STAGE, number, shard, newer)
    assert compute(database, first)
    found = keys(ask(database, second))
    assert found == [f"jobs/{first.job_id}/attempts/1/{number}" for number in (0, 2)]


def test_the_second_job_waits_until_the_first_has_published(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second = take(), take()
    assert ask(database, first) == COMPUTING
    assert ask(database, first) == COMPUTING  # also when it comes back
    assert ask(database, second) == ComputedElsewhere("f", first.job_id)
    waits(database, second, first.job_id)
    assert claimable(database) == []
    assert compute(database, first)
    assert claimable(database) == [second.job_id]
    again = claims.take(database, second.job_id, "worker")
    answer = ask(database, again)
    assert keys(answer) == [f"jobs/{first.job_id}/attempts/1/{number}" for number in (0, 2)]
    assert isinstance(answer, CachedNorms)
    assert [shard.block for shard in answer.shards["f"]] == [0, 1]
    assert not answer.to_compute


def test_a_job_does_not_wait_for_norms_that_were_published_in_between(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second = take(), take()
    ask(database, first)
    ask(database, second)
    assert compute(database, first)
    waits(database, second, first.job_id)
    assert claimable(database) == [second.job_id]


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
            assert owner_moves.cancel(session, first.owner, first.job_id)
    if end == "cancelled":
        assert claimable(database) == []  # it may still be at it
        with database.begin() as session:
            assert lifecycle.finish_cancelling(session, first)
    assert set(claimable(database)) == {second.job_id, third.job_id}
    again = claims.take(database, second.job_id, "worker")
    assert ask(database, again) == COMPUTING


def back_for(database: Database, job_id: UUID, minutes: float) -> None:
    """Let a job have been in the queue for so long."""
    with database.begin() as session:
        queued_at = NOW - timedelta(minutes=minutes)
        session.execute(update(Job).where(Job.id == job_id).values(queued_at=queued_at))


def test_a_job_that_went_back_to_the_queue_is_waited_for_a_while_only(
    database: Database, take: Callable[[], Claim]
) -> None:
    """Its needs may exceed every worker, its queue may be paused, its owner may run none."""
    first, second, third = take(), take(), take()
    assert ask(database, first) == COMPUTING
    waits(database, second, first.job_id)
    with database.begin() as session:
        assert lifecycle.hand_back(session, first, "out of memory", needs=Needs(gpus=99).model_dump())
    back_for(database, first.job_id, 14)
    assert second.job_id not in claimable(database)
    assert ask(database, third) == ComputedElsewhere("f", first.job_id)
    back_for(database, first.job_id, 16)
    assert second.job_id in claimable(database)
    assert ask(database, third) == COMPUTING
    # It may run after all, and then waits itself.
    assert ask(database, claims.take(database, first.job_id)) == ComputedElsewhere("f", third.job_id)


def test_who_waits_for_a_job_asks_again_once_another_computes_in_its_place(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second, waiting = take(), take(), take()
    assert ask(database, first) == COMPUTING
    waits(database, waiting, first.job_id)
    with database.begin() as session:
        assert lifecycle.hand_back(session, first, "a drain")
    back_for(database, first.job_id, 16)
    assert ask(database, second) == COMPUTING
    again = claims.take(database, first.job_id)
    assert ask(database, again) == ComputedElsewhere("f", second.job_id)
    assert waiting.job_id in claimable(database), "the first computes something else now"


def test_a_job_that_computes_and_waits_for_the_hub_is_waited_for_at_its_first_tries_only(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second = take(), take()
    waited_for = []
    for _ in range(7):
        assert isinstance(ask(database, first), CachedNorms)
        with database.begin() as session:
            away = JobError(type="unreachable", message="the Hub is away")
            assert lifecycle.requeue_while_unreachable(session, first, away, 3600)
        with database.begin() as session:
            computing = select(Job.id).where(Job.id == first.job_id, backlog.is_computing(Job))
            waited_for.append(session.scalar(computing) is not None)
        first = claims.take(database, first.job_id)
    assert waited_for == [True] * 5 + [False] * 2
    assert ask(database, second) == ComputedElsewhere("f", first.job_id), "it is at it"


def test_a_job_asks_for_several_norms_and_each_is_published_separately(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second, third = take(), take(), take()
    assert ask(database, first, "l1", "l2") == CachedNorms({}, frozenset({"l1", "l2"}))
    assert compute(database, first, "l1")
    assert keys(ask(database, second, "l1"), "l1") == [f"jobs/{first.job_id}/attempts/1/{n}" for n in (0, 2)]
    assert ask(database, third, "l1", "l2") == ComputedElsewhere("l2", first.job_id)
    assert compute(database, first, "l2", first_number=1)
    both = ask(database, third, "l1", "l2")
    assert keys(both, "l2") == [f"jobs/{first.job_id}/attempts/1/{n}" for n in (1, 3)]
    with database.begin() as session:
        caches.discard(session, CachedGradients, "l2")
    assert len(keys(ask(database, third, "l1"), "l1")) == 2  # the other is still there
    assert isinstance(answer := ask(database, third, "l1", "l2"), CachedNorms)
    assert answer.to_compute == {"l2"}


def test_no_two_jobs_wait_for_each_other(database: Database, take: Callable[[], Claim]) -> None:
    first, second, third = take(), take(), take()
    assert ask(database, first, "l1") == CachedNorms({}, frozenset({"l1"}))
    assert ask(database, second, "l2") == CachedNorms({}, frozenset({"l2"}))
    assert ask(database, third, "l1") == ComputedElsewhere("l1", first.job_id)
    waits(database, third, first.job_id, "l1")
    assert claimable(database) == []
    # The first one needs the other norm as well after all, and waits: what it held is free for the third.
    assert ask(database, first, "l1", "l2") == ComputedElsewhere("l2", second.job_id)
    waits(database, first, second.job_id, "l2")
    assert claimable(database) == [third.job_id]
    assert ask(database, second, "l1", "l2") == CachedNorms({}, frozenset({"l1", "l2"}))


def test_norms_that_others_need_later_are_computed_too_and_never_waited_for(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second, third = take(), take(), take()
    assert ask(database, first, "l2", later=["l1"]) == CachedNorms({}, frozenset({"l1", "l2"}))
    assert ask(database, second, "other", later=["l1"]) == CachedNorms({}, frozenset({"other"}))
    assert compute(database, second, "other")
    assert isinstance(answer := ask(database, third, "other", later=["l3"]), CachedNorms)
    assert not answer.to_compute
    with database.begin() as session:
        assert session.get(CachedGradients, "l3") is None  # the job that needs it computes it


def test_a_sweep_needs_the_norms_of_its_jobs_with_the_same_inputs(database: Database) -> None:
    def spec(**changes: object) -> JobSpec:
        recipe = {"model": "org/name", "sparsity": 0.5, "method": {"name": "gblm", "norm": "l1"}, **changes}
        return JobSpec.model_validate({"recipe": recipe})

    l2 = {"method": {"name": "gblm", "norm": "l2"}}
    other_text = {"calibration": {"seed": 7}}
    for specs, needed in (
        ([spec(), spec(sparsity=0.7)], {"l1"}),
        ([spec(), spec(**l2)], {"l1", "l2"}),
        ([spec(), spec(**l2, **other_text)], {"l1"}),
        ([spec(), spec(**l2, dtype="float32")], {"l1"}),
        ([spec(), spec(method="wanda", allocation="gradient")], {"l1", "l2"}),
        ([spec(), spec(method="magnitude")], {"l1"}),
    ):
        with database.begin() as session:
            sweep = sweeps.create(session, "ada", {}, specs, {})
            job_id = session.scalars(
                select(Job.id).where(Job.sweep_id == sweep.id).order_by(Job.id).limit(1)
            ).one()
            assert caches.needed_in_sweep(session, job_id, specs[0].recipe) == needed
            alone = owner_moves.create(session, "ada", specs[0]).id
            assert caches.needed_in_sweep(session, alone, specs[0].recipe) == frozenset()


def test_only_the_holder_of_the_computing_job_can_publish(
    database: Database, take: Callable[[], Claim]
) -> None:
    first, second = take(), take()
    ask(database, first)
    assert not compute(database, second)
    with database.begin() as session:
        assert lifecycle.hand_back(session, first, "the worker shuts down")
        assert not caches.publish_gradients(session, first, "f", STAGE, CONDITIONS, {})


def test_an_entry_that_is_dropped_meanwhile_is_made_again(
    database: Database, take: Callable[[], Claim]
) -> None:
    """Another transaction drops it after each statement, unless it is locked."""
    first, second = take(), take()
    assert ask(database, first) == COMPUTING

    def drop(*statement: object) -> None:
        with database.begin() as other:
            free = select(CachedGradients.fingerprint).with_for_update(skip_locked=True)
            other.execute(delete(CachedGradients).where(CachedGradients.fingerprint.in_(free)))

    with database.begin() as session:
        event.listen(session.connection(), "after_cursor_execute", drop)
        found = caches.find_gradients(session, second, ["f"])
    assert found == ComputedElsewhere("f", first.job_id)


def locked(database: Database, act: Callable[[Session], object], *job_ids: UUID) -> None:
    """Lock these jobs in turn, as another transaction does, while `act` waits for the first of them."""

    def run() -> None:
        with database.begin() as session:
            act(session)

    with ThreadPoolExecutor() as pool, database.begin() as other:
        acting = None
        for job_id in job_ids:
            other.execute(select(Job.id).where(Job.id == job_id).with_for_update())
            acting = acting or pool.submit(run)
            wait_until_blocked(database)
        owner_moves.delete_rows(other, [job_ids[0]])
        other.commit()
        assert acting is not None
        acting.result()


def test_publishing_locks_jobs_in_the_order_in_which_a_sweep_is_cancelled(
    database: Database, take: Callable[[], Claim]
) -> None:
    waiting, computing = take(), take()
    ask(database, computing)
    ask(database, waiting)
    waits(database, waiting, computing.job_id)
    locked(
        database,
        lambda session: caches.publish_gradients(session, computing, "f", STAGE, CONDITIONS, {}),
        waiting.job_id,
        computing.job_id,
    )


def test_eviction_locks_a_job_and_its_entry_in_the_order_of_a_deletion(
    database: Database, take: Callable[[], Claim]
) -> None:
    claim = take()
    ask(database, claim)
    assert compute(database, claim)
    end(database, claim)
    locked(database, lambda session: caches.evict_unused(session, CachedGradients, 0, 10), claim.job_id)


def test_damaged_norms_are_computed_again(database: Database, take: Callable[[], Claim]) -> None:
    first, second = take(), take()
    ask(database, first)
    assert compute(database, first)
    with database.begin() as session:
        caches.discard(session, CachedGradients, "f")
    assert ask(database, second) == COMPUTING
    with database.begin() as session:
        assert session.scalar(select(Job.orphaned_files_since).where(Job.id == first.job_id)) is not None
        assert session.scalars(select(GradientShard)).all() == []


def test_eviction_is_by_age_and_then_by_least_recent_use(
    database: Database, take: Callable[[], Claim]
) -> None:
    claims = [take() for _ in range(4)]
    for claim, fingerprint in zip(claims, ("ancient", "old", "new"), strict=False):
        ask(database, claim, fingerprint)
        assert compute(database, claim, fingerprint, size=100)
    ask(database, claims[-1], "computing")
    end(database, *claims)
    with database.begin() as session:
        for fingerprint, days in (("ancient", 40), ("old", 2)):
            session.execute(
                update(CachedGradients)
                .where(CachedGradients.fingerprint == fingerprint)
                .values(used_at=NOW - timedelta(days=days))
            )

    def left(days: float, most_bytes: int) -> set[str]:
        with database.begin() as session:
            caches.evict_unused(session, CachedGradients, days, 10)
            caches.limit_gradients(session, most_bytes, 10)
            return set(session.scalars(select(CachedGradients.fingerprint)))

    assert left(30, 10_000) == {"old", "new", "computing"}
    assert left(30, 399) == {"new", "computing"}
    assert left(30, 199) == {"new", "computing"}, "the last one stays, however large"
