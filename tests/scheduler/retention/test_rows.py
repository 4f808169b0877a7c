"""What has expired is deleted; files that a row names, or that a running attempt still writes, stay."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event, func, select, text, update

from jobs import limits, retention, zoo
from jobs.access import api_keys, page_sessions
from jobs.database import Database
from jobs.lifecycle import attempt_files, events, idempotency, lifecycle, owner_moves
from jobs.lifecycle.attempt_files import named_keys
from jobs.lifecycle.events import JobError, StageStarted, StepFinished
from jobs.lifecycle.lifecycle import Claim, FinishedArtifact
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.storage.store import Store, StoredFile
from jobs.tables import (
    ApiKey,
    Artifact,
    IdempotencyKey,
    Job,
    JobBlock,
    JobEvent,
)
from pruning.recipe import Stage
from scheduler.retention import Retention
from tests.claims import wait_until_blocked
from tests.conftest import Submit
from tests.scheduler.retention.files import LONG_AGO, REPORT, Put, keep_block, rows, stored, take


def test_orphaned_files_are_deleted_and_those_of_a_running_attempt_stay(
    retention: Retention, database: Database, submit: Submit, store: Store, put: Put
) -> None:
    claim = take(database, submit())
    block, partial = (put(claim.job_id, 1, f"blocks/{name}") for name in ("named", "partial"))
    keep_block(database, claim, 0, block)
    retention.round()
    assert stored(store) == {block, partial}, "an attempt that is running may be about to name its file"
    with database.begin() as session:
        assert lifecycle.hand_back(session, claim, "for the test")
    again = take(database, claim.job_id)
    fresh = put(again.job_id, 2, "blocks/fresh")
    retention.round()
    assert stored(store) == {block, fresh}
    with database.begin() as session:
        assert session.get_one(Job, claim.job_id).orphaned_files_since is None


def test_a_file_that_becomes_an_artifact_meanwhile_is_named_at_every_moment(
    database: Database, submit: Submit, store: Store, put: Put
) -> None:
    """The job succeeds after whichever statement reads the names first."""
    claim = take(database, submit())
    key = put(claim.job_id, 1, "output/a")
    file = store.head(key)
    assert file is not None
    with database.begin() as session:
        assert attempt_files.record_sent_file(session, claim, "a", StoredFile(key, file.size, "00" * 32))

    def succeed(*statement: object) -> None:
        with database.begin() as other:
            artifact = FinishedArtifact("a", key, file.size, "00" * 32)
            assert lifecycle.succeed(other, claim, REPORT, [artifact])

    with database.begin() as session:
        event.listen(session.connection(), "after_cursor_execute", succeed, once=True)
        assert named_keys(session, claim.job_id) == {key}
    with database.begin() as session:
        assert named_keys(session, claim.job_id) == {key}
        assert attempt_files.sent_files(session, claim.job_id) == []


ENDS = ["deleted", "cancelled in the queue", "succeeded without it"]


def test_a_job_cancelled_before_its_start_has_no_orphaned_files(
    database: Database, claim: Claim, spec: JobSpec
) -> None:
    with database.begin() as session:
        waiting = owner_moves.create(session, "ada", spec).id
        assert owner_moves.cancel(session, "ada", waiting)
        assert session.get_one(Job, waiting).orphaned_files_since is None


def test_orphaned_files_stay_until_they_are_old_enough(
    settings: Settings,
    database: Database,
    claim: Claim,
    store: Store,
    put: Put,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "ORPHANED_FILE_SECONDS", 3600.0)
    key = put(claim.job_id, 1, "output/model.safetensors")
    with database.begin() as session:
        assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
    Retention(database, settings, store).round()
    assert stored(store) == {key}
    with database.begin() as session:
        session.execute(update(Job).values(orphaned_files_since=LONG_AGO))
    Retention(database, settings, store).round()
    assert stored(store) == set()


def test_a_succeeded_job_keeps_its_artifacts_until_they_expire(
    retention: Retention, database: Database, claim: Claim, store: Store, put: Put
) -> None:
    block, model = put(claim.job_id, 1, "blocks/0"), put(claim.job_id, 1, "output/model")
    keep_block(database, claim, 0, block)
    with database.begin() as session:
        artifact = FinishedArtifact("model", model, 5, "00" * 32)
        assert lifecycle.succeed(session, claim, REPORT, [artifact])
    retention.round()
    assert stored(store) == {model}
    assert rows(database, JobBlock) == 0
    with database.begin() as session:
        session.execute(update(Job).values(ended_at=LONG_AGO))
        before = session.get_one(Job, claim.job_id).last_event
    retention.round()
    assert (stored(store), rows(database, Artifact)) == (set(), 0)
    with database.begin() as session:
        job = session.get_one(Job, claim.job_id)
        (event,) = events.events_since(session, claim.job_id, before)
    assert job.artifacts_expired_at is not None
    assert (event.id, event.kind) == (job.last_event, "log")


def test_a_model_that_is_published_as_it_expires_keeps_its_files(
    database: Database, claim: Claim, put: Put
) -> None:
    """It becomes an entry of the zoo after the snapshot of the statement that locks what has expired."""
    with database.begin() as session:
        artifact = FinishedArtifact("model", put(claim.job_id, 1, "output/model"), 5, "00" * 32)
        assert lifecycle.succeed(session, claim, REPORT, [artifact])
        session.execute(update(Job).values(ended_at=LONG_AGO))

    def wait_in_locking(*execution: Any) -> tuple[str, Any]:
        statement, parameters = execution[2:4]
        if "FOR UPDATE" in statement:
            statement = statement.replace("WHERE", "WHERE pg_advisory_xact_lock(11)::text = '' AND", 1)
        return statement, parameters

    def expire() -> int:
        with database.begin() as session:
            event.listen(session.connection(), "before_cursor_execute", wait_in_locking, retval=True)
            return retention.expire_artifacts(session, 30, 10)

    with ThreadPoolExecutor() as pool, database.begin() as holder:
        holder.execute(text("SELECT pg_advisory_xact_lock(11)"))
        expired = pool.submit(expire)
        wait_until_blocked(database)
        assert not expired.done()
        with database.begin() as session:
            assert zoo.promote(session, "ada", claim.job_id, "") is not None
        holder.rollback()
        assert expired.result() == 0
    with database.begin() as session:
        assert session.get_one(Job, claim.job_id).artifacts_expired_at is None
    assert rows(database, Artifact) == 1


def test_a_failed_job_keeps_its_finished_blocks_for_a_retry_for_a_while(
    retention: Retention, database: Database, claim: Claim, store: Store, put: Put
) -> None:
    block = put(claim.job_id, 1, "blocks/0")
    keep_block(database, claim, 0, block)
    with database.begin() as session:
        assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
    retention.round()
    assert stored(store) == {block}
    with database.begin() as session:
        session.execute(update(Job).values(ended_at=LONG_AGO))
        session.execute(update(JobBlock).values(finished_at=LONG_AGO))
    retention.round()
    assert (stored(store), rows(database, JobBlock)) == (set(), 0)


def test_old_idempotency_keys_are_deleted(retention: Retention, database: Database, spec: JobSpec) -> None:
    def make() -> Job:
        return owner_moves.create(session, "ada", spec)

    with database.begin() as session:
        for key in ("old", "new"):
            idempotency.create_once(session, "ada", key, b"{}", Job, make)
        session.execute(update(IdempotencyKey).where(IdempotencyKey.key == "old").values(created_at=LONG_AGO))
    retention.round()
    with database.begin() as session:
        assert session.scalars(select(IdempotencyKey.key)).all() == ["new"]
        _, created = idempotency.create_once(session, "ada", "old", b"{}", Job, make)
    assert created


def test_progress_events_of_jobs_that_ended_long_ago_are_deleted(
    retention: Retention, database: Database, submit: Submit
) -> None:
    ended, running = take(database, submit()), take(database, submit())
    with database.begin() as session:
        for claim in (ended, running):
            lifecycle.record(session, claim, StageStarted(attempt=1, stage=Stage.PRUNE, steps=2))
            lifecycle.record(session, claim, StepFinished(attempt=1, stage=Stage.PRUNE, step=1, steps=2))
        assert lifecycle.fail(session, ended, JobError(type="internal", message="no"))
        session.execute(update(JobEvent).values(at=LONG_AGO))
    retention.round()
    with database.begin() as session:
        kinds = [
            [event.kind for event in events.events_since(session, c.job_id, 0)] for c in (ended, running)
        ]
    assert kinds == [
        ["state", "state", "stage_started", "state"],
        ["state", "state", "stage_started", "progress"],
    ]


def test_several_schedulers_share_the_work(
    settings: Settings, database: Database, submit: Submit, store: Store, put: Put
) -> None:
    for _ in range(12):
        claim = take(database, submit())
        put(claim.job_id, 1, "output/model")
        with database.begin() as session:
            assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
            session.execute(update(Job).values(orphaned_files_since=LONG_AGO))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: Retention(database, settings, store).round(), range(4)))
    assert stored(store) == set()
    with database.begin() as session:
        assert session.scalars(select(Job.id).where(Job.orphaned_files_since.is_not(None))).all() == []


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_keys_that_have_ended_are_deleted_once_they_have_made_no_other(
    retention: Retention, database: Database, end: str
) -> None:
    with database.begin() as session:
        ids = {}
        for name in ("maker", "made", "alone", "just now", "valid"):
            row, _ = api_keys.create(session, "ada", name, api_keys.SCOPES)
            ids[name] = row.id
        session.execute(update(ApiKey).where(ApiKey.name == "made").values(created_by=ids["maker"]))
        session.execute(update(ApiKey).where(ApiKey.name == "just now").values({end: func.now()}))
        old = ApiKey.name.in_(["maker", "made", "alone"])
        session.execute(update(ApiKey).where(old).values({end: LONG_AGO}))
        page_sessions.start(session, ids["alone"])

    def left() -> set[str]:
        with database.begin() as session:
            return set(session.scalars(select(ApiKey.name)))

    retention.round()
    assert left() == {"maker", "just now", "valid"}
    retention.round()
    assert left() == {"just now", "valid"}
