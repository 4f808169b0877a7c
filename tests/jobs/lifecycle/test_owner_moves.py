"""What the moves of a job's owner leave in its row, in its events and in its attempts."""

from uuid import uuid4

import pytest
from sqlalchemy import update

from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import StateChanged
from jobs.lifecycle.lifecycle import Claim
from jobs.lifecycle.owner_moves import Conflict
from jobs.queue import backlog
from jobs.spec.job import JobSpec
from jobs.states import JobState, SweepState
from jobs.tables import NOW, Job, Sweep
from tests.claims import claimed
from tests.jobs.lifecycle.rows import ERROR, events_of, row_of


def test_a_retry_starts_from_a_clean_row_and_keeps_the_attempts(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert lifecycle.fail(session, claim, ERROR)
    before = row_of(database, claim.job_id)
    with database.begin() as session:
        assert not owner_moves.retry(session, "bob", claim.job_id)
        assert not owner_moves.retry(session, "ada", uuid4())
        assert owner_moves.retry(session, "ada", claim.job_id)
    after = row_of(database, claim.job_id)
    assert after["retried_at"] > before["ended_at"]
    changed = {name for name in after if after[name] != before[name]}
    assert changed - {"orphaned_files_since"} == {
        *("state", "queued_at", "retried_at", "last_event"),
        *("lost_attempts", "ended_at", "error", "stage", "step", "steps"),
        *("needs", "queue_group"),
    }
    assert (after["state"], after["attempt"]) == (JobState.QUEUED, 2)
    assert (after["lost_attempts"], after["error"]) == (0, None)
    assert events_of(database, claim.job_id)[-1] == StateChanged(
        state=JobState.QUEUED, attempt=2, reason="retried"
    )


def test_a_retried_job_is_sized_again(database: Database, claim: Claim) -> None:
    """It may have failed because its needs were raised above every worker."""
    with database.begin() as session:
        needs = {"device_bytes": 10**15}
        assert lifecycle.hand_back(session, claim, "out of memory", needs=needs)
        assert owner_moves.cancel(session, "ada", claim.job_id)
        assert owner_moves.retry(session, "ada", claim.job_id)
        assert [job.job_id for job in backlog.unsized(session, 10)] == [claim.job_id]


def test_a_new_job_has_its_recipe_in_columns(database: Database) -> None:
    recipe = {"model": "org/name", "method": "wanda", "pattern": "2:4"}
    spec = JobSpec.model_validate({"recipe": recipe})
    with database.begin() as session:
        created = owner_moves.create(session, "ada", spec, {"team": "search"})
        assert created.queued_at is not None  # refreshed: what the database has filled in is there
        job_id, given = created.id, created.spec
    row = row_of(database, job_id)
    assert row["spec"] == given
    assert (row["state"], row["attempt"]) == (JobState.QUEUED, 0)
    assert events_of(database, job_id) == [StateChanged(state=JobState.QUEUED)]
    assert (row["owner"], row["model"], row["method"]) == ("ada", "org/name", "wanda")
    assert (row["pattern"], row["sparsity"], row["labels"]) == ("2:4", 0.5, {"team": "search"})
    assert (row["recipe_fingerprint"], row["last_event"]) == (spec.recipe.fingerprint(), 1)
    assert JobSpec.model_validate(row["spec"]) == spec
    with database.begin() as session:
        assert owner_moves.create(session, "ada", spec).labels == {}


def test_a_retry_reopens_the_sweep_of_its_job_and_no_other(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        sweeps = [Sweep(owner="ada", request={}, state=SweepState.FAILED, ended_at=NOW) for _ in range(2)]
        session.add_all(sweeps)
        session.flush()
        own, other = (sweep.id for sweep in sweeps)
        jobs = [owner_moves.create(session, "ada", spec, sweep_id=sweep).id for sweep in (own, other)]
        assert all(owner_moves.cancel(session, "ada", job_id) for job_id in jobs)
        assert owner_moves.retry(session, "ada", jobs[0])
    with database.begin() as session:
        reopened, ended = session.get_one(Sweep, own), session.get_one(Sweep, other)
        assert (reopened.state, reopened.ended_at) == (SweepState.RUNNING, None)
        assert ended.state == SweepState.FAILED
        assert ended.ended_at is not None


@pytest.mark.parametrize("attempts", [0, 1, 2])
def test_what_attempts_sent_of_a_job_that_is_cancelled_in_the_queue_is_orphaned(
    database: Database, spec: JobSpec, attempts: int
) -> None:
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", spec).id
        for _ in range(attempts):
            assert lifecycle.hand_back(session, claimed(session, job_id), "the worker is shutting down")
        session.execute(update(Job).values(orphaned_files_since=None))  # as after its files were checked
        assert owner_moves.cancel(session, "ada", job_id)
    assert (row_of(database, job_id)["orphaned_files_since"] is not None) == (attempts > 0)


def test_a_conflict_says_the_state_of_the_job(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert lifecycle.fail(session, claim, ERROR)
        with pytest.raises(Conflict, match="the job is failed") as conflict:
            owner_moves.cancel(session, "ada", claim.job_id)
    assert conflict.value.state == JobState.FAILED
