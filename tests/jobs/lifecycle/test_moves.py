"""What each move leaves in the job's row, in its events and in its attempt, column by column."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import inspect, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import event_log, finished_blocks, lifecycle
from jobs.lifecycle.events import EventData, JobError, StateChanged, StepFinished
from jobs.lifecycle.lifecycle import Claim, Conflict, FinishedArtifact
from jobs.queries import queries
from jobs.spec.job import JobSpec
from jobs.states import JobState, LostAttempt, SweepState
from jobs.storage.store import StoredFile
from jobs.tables import NOW, Job, JobAttempt, Lease, Sweep
from pruning.masks.packed import FILE_NAME as MASKS
from pruning.recipe import Stage

Database = sessionmaker[Session]
Move = Callable[[Session, Claim], object]

REPORT = {"perplexity": {"dense": 10.0, "pruned": 12.5}, "sparsity": {"overall": 0.5}}
ARTIFACT = FinishedArtifact("model.safetensors", "jobs/1/attempts/1/output/model.safetensors", 7, "ab" * 32)
ERROR = JobError(type="invalid_input", message="no such model", field="model.id")
STORED_ERROR = {"type": "invalid_input", "message": "no such model", "field": "model.id"}
LOST = {"type": "killed", "message": "lost 1 times in a row without a new finished block; last: gone"}


def row_of(database: Database, job_id: UUID) -> dict[str, Any]:
    with database.begin() as session:
        job = session.get_one(Job, job_id)
        return {column.key: getattr(job, column.key) for column in inspect(Job).column_attrs}


def events_of(database: Database, job_id: UUID) -> list[EventData]:
    with database.begin() as session:
        return [event.data for event in event_log.since(session, job_id, 0)]


def attempt_of(database: Database, job_id: UUID) -> JobAttempt:
    with database.begin() as session:
        return queries.attempts(session, "ada", job_id)[-1]


@pytest.fixture
def claim(database: Database, submit: Callable[[], UUID]) -> Claim:
    """A job in the middle of its second attempt, with a loss behind it."""
    job_id = submit()
    with database.begin() as session:
        first = lifecycle.claim(session, job_id, "w0", 30)
        assert first is not None
        assert lifecycle.take_back(session, job_id, first.lease_token, "gone", 3) == JobState.QUEUED
    with database.begin() as session:
        session.execute(update(Job).values(dispatched_at=NOW, blocked_on=job_id, error=STORED_ERROR))
        claim = lifecycle.claim(session, job_id, "w1", 30)
        assert claim is not None
        step = StepFinished(attempt=2, stage=Stage.PRUNE, step=3, steps=9, seconds_left=8.5)
        assert lifecycle.record(session, claim, step)
    return claim


def lose(session: Session, claim: Claim, *, max_lost_attempts: int) -> JobState | None:
    return lifecycle.take_back(
        session, claim.job_id, claim.lease_token, "gone", max_lost_attempts, kind=LostAttempt.KILLED
    )


def cancelling(session: Session, claim: Claim) -> None:
    session.execute(
        update(Job).where(Job.id == claim.job_id).values(state=JobState.CANCELLING, cancelling_at=NOW)
    )


def finish_cancelling(session: Session, claim: Claim) -> bool:
    cancelling(session, claim)
    return lifecycle.finish_cancelling(session, claim)


def lose_while_cancelling(session: Session, claim: Claim) -> JobState | None:
    cancelling(session, claim)
    return lose(session, claim, max_lost_attempts=3)


TOO_OFTEN = {**LOST, "message": LOST["message"].replace("1 times", "2 times")}
LOST_TOO_OFTEN = JobError(type=TOO_OFTEN["type"], message=TOO_OFTEN["message"])

ENDS: dict[str, tuple[Move, StateChanged, str, str | None, dict[str, Any]]] = {
    "succeed": (
        lambda session, claim: lifecycle.succeed(session, claim, REPORT, [ARTIFACT]),
        StateChanged(state=JobState.SUCCEEDED),
        "succeeded",
        None,
        {
            "report": REPORT,
            "dense_perplexity": 10.0,
            "pruned_perplexity": 12.5,
            "measured_sparsity": 0.5,
            "stored_weight_bytes": ARTIFACT.size,
        },
    ),
    "fail": (
        lambda session, claim: lifecycle.fail(session, claim, ERROR),
        StateChanged(state=JobState.FAILED, error=ERROR),
        "failed",
        "no such model",
        {"error": STORED_ERROR},
    ),
    "hand back": (
        lambda session, claim: lifecycle.hand_back(session, claim, "shutting down"),
        StateChanged(state=JobState.QUEUED, reason="shutting down"),
        "handed_back",
        "shutting down",
        {},
    ),
    "wait for nobody": (
        lambda session, claim: lifecycle.requeue_until(session, claim, None, "gradients are there"),
        StateChanged(state=JobState.QUEUED, reason="gradients are there"),
        "handed_back",
        "gradients are there",
        {},
    ),
    "wait for another": (
        lambda session, claim: lifecycle.requeue_until(session, claim, claim.job_id, "gradients"),
        StateChanged(state=JobState.QUEUED, reason="gradients"),
        "handed_back",
        "gradients",
        {"blocked_on": True},
    ),
    "finish cancelling": (finish_cancelling, StateChanged(state=JobState.CANCELLED), "cancelled", None, {}),
    "lose": (
        lambda session, claim: lose(session, claim, max_lost_attempts=3),
        StateChanged(state=JobState.QUEUED, reason="gone"),
        "lost",
        "gone",
        {"lost_attempts": 2},
    ),
    "lose too often": (
        lambda session, claim: lose(session, claim, max_lost_attempts=2),
        StateChanged(state=JobState.FAILED, error=LOST_TOO_OFTEN),
        "lost",
        "gone",
        {"lost_attempts": 2, "error": TOO_OFTEN},
    ),
    "lose while cancelling": (
        lose_while_cancelling,
        StateChanged(state=JobState.CANCELLED),
        "lost",
        "gone",
        {"lost_attempts": 2},
    ),
}


@pytest.mark.parametrize(("end", "event", "outcome", "reason", "values"), ENDS.values(), ids=ENDS.keys())
def test_an_end_of_an_attempt_changes_exactly_these_columns(
    database: Database,
    claim: Claim,
    end: Move,
    event: StateChanged,
    outcome: str,
    reason: str | None,
    values: dict[str, Any],
) -> None:
    before, events = row_of(database, claim.job_id), events_of(database, claim.job_id)
    with database.begin() as session:
        assert end(session, claim)
    after = row_of(database, claim.job_id)

    with database.begin() as session:
        assert session.get(Lease, claim.job_id) is None
    released = {"lease_token": None, "worker": None, "dispatched_at": None}
    progress = {"seconds_left": None}
    if event.state == JobState.QUEUED:
        progress |= {"stage": None, "step": None, "steps": None}
    expected = before | released | progress | values
    expected |= {"state": event.state, "last_event": before["last_event"] + 1}
    if values.get("blocked_on"):
        expected["blocked_on"] = claim.job_id
    attempt = attempt_of(database, claim.job_id)
    assert attempt.ended_at is not None
    spent = (attempt.ended_at - attempt.started_at).total_seconds()
    expected["worker_seconds"] = pytest.approx((before["worker_seconds"] or 0) + spent)
    times = {f"{event.state}_at", "orphaned_files_since"} | (
        {"cancelling_at"} if "cancel" in event.state else set()
    )
    assert {name: after[name] for name in after if name not in times} == {
        name: expected[name] for name in expected if name not in times
    }
    assert all(after[name] > before["running_at"] for name in times)

    assert events_of(database, claim.job_id) == [*events, event.model_copy(update={"attempt": 2})]
    assert (attempt.attempt, attempt.worker, attempt.outcome, attempt.reason) == (2, "w1", outcome, reason)
    assert spent >= 0


@pytest.mark.parametrize("end", [each[0] for each in ENDS.values()], ids=ENDS.keys())
@pytest.mark.parametrize("changed", ["lease_token", "job_id"])
def test_a_claim_that_does_not_hold_the_job_ends_nothing(
    database: Database, submit: Callable[[], UUID], claim: Claim, end: Move, changed: str
) -> None:
    other = submit()
    fields = {name: getattr(claim, name) for name in ("attempt", "lease_token", "owner", "stored_spec")}
    stale = Claim(**{"job_id": claim.job_id, **fields, changed: uuid4()})
    before, events = row_of(database, claim.job_id), events_of(database, claim.job_id)
    with database.begin() as session:
        assert not end(session, stale)
        session.execute(
            update(Job)
            .where(Job.id == claim.job_id)
            .values(state=before["state"], cancelling_at=before["cancelling_at"])
        )
    assert row_of(database, claim.job_id) == before
    assert events_of(database, claim.job_id) == events
    assert row_of(database, other)["state"] == JobState.QUEUED
    attempt = attempt_of(database, claim.job_id)
    assert (attempt.outcome, attempt.ended_at) == (None, None)


def test_a_claim_starts_the_next_attempt_and_clears_what_the_last_one_left(
    database: Database, claim: Claim
) -> None:
    row = row_of(database, claim.job_id)
    assert (row["state"], row["attempt"], row["worker"]) == (JobState.RUNNING, 2, "w1")
    assert (row["error"], row["blocked_on"], row["lost_attempts"]) == (None, None, 1)
    assert row["lease_token"] == claim.lease_token
    with database.begin() as session:
        lease = session.get_one(Lease, claim.job_id)
    assert lease.token == claim.lease_token
    assert (lease.expires_at - row["running_at"]).total_seconds() == pytest.approx(30, abs=1)
    assert row["lease_expires_at"] is None, "a dispatcher of the release before leaves it alone"
    assert row["progressed_at"] >= row["running_at"]
    assert events_of(database, claim.job_id)[-2] == StateChanged(
        state=JobState.RUNNING, attempt=2, worker="w1"
    )
    assert (claim.attempt, claim.owner, claim.stored_spec) == (2, "ada", row["spec"])
    with database.begin() as session:
        assert lifecycle.claim(session, claim.job_id, "w2", 30) is None
    assert [attempt_of(database, claim.job_id).attempt, row_of(database, claim.job_id)["worker"]] == [2, "w1"]


def test_a_lease_is_extended_only_by_its_holder_and_says_whether_to_stop(
    database: Database, claim: Claim
) -> None:
    stranger = Claim(claim.job_id, 2, uuid4(), "ada", {})
    with database.begin() as session:
        assert lifecycle.extend_lease(session, claim, 300) == JobState.RUNNING
        assert lifecycle.extend_lease(session, stranger, 900) is None
        now = session.scalar(NOW.select())
        left = session.get_one(Lease, claim.job_id).expires_at - now
    assert timedelta(seconds=290) < left <= timedelta(seconds=300)
    with database.begin() as session:
        cancelling(session, claim)
        assert lifecycle.extend_lease(session, claim, 30) == JobState.CANCELLING


def test_a_retry_starts_from_a_clean_row_and_keeps_the_attempts(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert lifecycle.fail(session, claim, ERROR)
    before = row_of(database, claim.job_id)
    with database.begin() as session:
        assert not lifecycle.retry(session, "bob", claim.job_id)
        assert not lifecycle.retry(session, "ada", uuid4())
        assert lifecycle.retry(session, "ada", claim.job_id)
    after = row_of(database, claim.job_id)
    assert after["retried_at"] > before["failed_at"]
    changed = {name for name in after if after[name] != before[name]}
    assert changed - {"orphaned_files_since"} == {
        *("state", "queued_at", "retried_at", "last_event"),
        *("lost_attempts", "error", "stage", "step", "steps"),
    }
    assert (after["state"], after["attempt"]) == (JobState.QUEUED, 2)
    assert (after["lost_attempts"], after["error"]) == (0, None)
    assert events_of(database, claim.job_id)[-1] == StateChanged(
        state=JobState.QUEUED, attempt=2, reason="retried"
    )


def test_the_waits_for_the_hub_double_up_to_five_minutes_until_a_block_is_finished(
    database: Database, claim: Claim
) -> None:
    error = JobError(type="unreachable", message="the Hub did not deliver x; try again later")
    for wait in (10, 20, 40, 80, 160, 300, 300):
        with database.begin() as session:
            before = session.scalar(NOW.select())
            assert lifecycle.requeue_while_unreachable(session, claim, error, 3600.0)
            after = session.scalar(NOW.select())
        row = row_of(database, claim.job_id)
        assert before <= row["next_try_at"] - timedelta(seconds=wait) <= after
        with database.begin() as session:
            again = lifecycle.claim(session, claim.job_id, "w1", 30)
        assert again is not None
        claim = again
    row = row_of(database, claim.job_id)
    assert (row["unreachable_tries"], row["next_try_at"], row["lost_attempts"]) == (7, None, 1)
    assert attempt_of(database, claim.job_id).attempt == 9
    with database.begin() as session:
        shard = StoredFile("a/key", 3, "ab" * 32)
        assert finished_blocks.keep(session, claim, "prune", 0, shard, {})
    row = row_of(database, claim.job_id)
    assert (row["unreachable_tries"], row["unreachable_since"]) == (0, None)


def test_a_job_that_waits_for_the_hub_says_so_and_at_last_why_it_failed(
    database: Database, claim: Claim
) -> None:
    error = JobError(type="unreachable", message="the Hub did not deliver x; try again later")
    with database.begin() as session:
        before = session.scalar(NOW.select())
        assert lifecycle.requeue_while_unreachable(session, claim, error, 10.0)  # not longer than it waits
        after = session.scalar(NOW.select())
    row = row_of(database, claim.job_id)
    assert (row["state"], row["waiting_for"]) == (JobState.QUEUED, "the Hub did not deliver x")
    assert row["unreachable_since"] == row["next_try_at"] - timedelta(seconds=10)
    assert before <= row["unreachable_since"] <= row["queued_at"] <= after
    reason = f"waiting for the Hub, next try at {row['next_try_at'].astimezone(UTC):%H:%M:%S} UTC"
    reason += ": the Hub did not deliver x"
    assert events_of(database, claim.job_id)[-1] == StateChanged(
        state=JobState.QUEUED, attempt=2, reason=reason
    )
    attempt = attempt_of(database, claim.job_id)
    assert (attempt.outcome, attempt.reason) == ("unreachable", reason)

    with database.begin() as session:
        again = lifecycle.claim(session, claim.job_id, "w1", 30)
        assert again is not None
        assert lifecycle.requeue_while_unreachable(session, again, error, 19.0)
    after = row_of(database, claim.job_id)
    since = f"{row['unreachable_since'].astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    assert (after["state"], after["unreachable_since"]) == (JobState.FAILED, row["unreachable_since"])
    message = f"the Hub did not deliver x; try again later (2 tries since {since})"
    assert after["error"] == {"type": "unreachable", "message": message}
    assert attempt_of(database, claim.job_id).outcome == "failed"


def test_without_patience_the_error_is_that_of_the_only_try(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert lifecycle.requeue_while_unreachable(session, claim, ERROR, 9.9)
    assert row_of(database, claim.job_id)["error"] == STORED_ERROR


def test_only_an_unchecked_job_is_refused_without_a_worker(
    database: Database, claim: Claim, spec: JobSpec
) -> None:
    with database.begin() as session:
        unchecked = lifecycle.create(session, "ada", spec, checks_pending=True).id
        checked = lifecycle.create(session, "ada", spec).id
        assert not lifecycle.refuse(session, claim.job_id, ERROR)
        assert not lifecycle.refuse(session, checked, ERROR)
        assert lifecycle.refuse(session, unchecked, ERROR)
    row = row_of(database, unchecked)
    assert (row["state"], row["error"], row["checks_pending"]) == (JobState.FAILED, STORED_ERROR, False)
    assert row["failed_at"] > row["created_at"]
    assert events_of(database, unchecked)[-1] == StateChanged(state=JobState.FAILED, error=ERROR)
    assert row_of(database, checked)["state"] == JobState.QUEUED


def test_only_the_holder_of_a_job_makes_it_wait_for_the_hub(database: Database, claim: Claim) -> None:
    stranger = Claim(claim.job_id, 2, uuid4(), "ada", {})
    nobodys = Claim(uuid4(), 2, claim.lease_token, "ada", {})
    before = row_of(database, claim.job_id)
    for other in (stranger, nobodys):
        with database.begin() as session:
            assert not lifecycle.requeue_while_unreachable(session, other, ERROR, 3600.0)
            assert not lifecycle.requeue_while_unreachable(session, other, ERROR, 0.0)
    assert row_of(database, claim.job_id) == before


def test_a_retry_gives_the_hub_the_whole_patience_again(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert lifecycle.requeue_while_unreachable(session, claim, ERROR, 3600.0)
        assert lifecycle.cancel(session, "ada", claim.job_id)
        assert lifecycle.retry(session, "ada", claim.job_id)
    row = row_of(database, claim.job_id)
    assert {name: row[name] for name in lifecycle.REACHED} == lifecycle.REACHED


def test_a_new_job_has_its_recipe_in_columns(database: Database) -> None:
    recipe = {"model": "org/name", "method": "wanda", "pattern": "2:4"}
    spec = JobSpec.model_validate({"recipe": recipe})
    with database.begin() as session:
        created = lifecycle.create(session, "ada", spec, {"team": "search"})
        assert created.queued_at is not None  # refreshed: what the database has filled in is there
        job_id = created.id
    row = row_of(database, job_id)
    assert (row["owner"], row["model"], row["method"]) == ("ada", "org/name", "wanda")
    assert (row["pattern"], row["sparsity"], row["labels"]) == ("2:4", 0.5, {"team": "search"})
    assert (row["recipe_fingerprint"], row["last_event"]) == (spec.recipe.fingerprint(), 1)
    assert JobSpec.model_validate(row["spec"]) == spec
    with database.begin() as session:
        assert lifecycle.create(session, "ada", spec).labels == {}


def test_a_retry_reopens_the_sweep_of_its_job_and_no_other(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        sweeps = [Sweep(owner="ada", request={}, state=SweepState.FAILED, ended_at=NOW) for _ in range(2)]
        session.add_all(sweeps)
        session.flush()
        own, other = (sweep.id for sweep in sweeps)
        jobs = [lifecycle.create(session, "ada", spec, sweep_id=sweep).id for sweep in (own, other)]
        assert all(lifecycle.cancel(session, "ada", job_id) for job_id in jobs)
        assert lifecycle.retry(session, "ada", jobs[0])
    with database.begin() as session:
        reopened, ended = session.get_one(Sweep, own), session.get_one(Sweep, other)
        assert (reopened.state, reopened.ended_at) == (SweepState.RUNNING, None)
        assert ended.state == SweepState.FAILED
        assert ended.ended_at is not None


def test_another_owner_cannot_stop_a_running_job(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert not lifecycle.cancel(session, "bob", claim.job_id)
    assert row_of(database, claim.job_id)["state"] == JobState.RUNNING


def test_success_keeps_the_verdict_of_the_gate(database: Database) -> None:
    document = {
        "recipe": {"model": "org/name", "method": "gblm", "sparsity": 0.5},
        "gate": {"max_perplexity": 12.0},
    }
    with database.begin() as session:
        job_id = lifecycle.create(session, "ada", JobSpec.model_validate(document)).id
        claim = lifecycle.claim(session, job_id, "w1", 30)
        assert claim is not None
        assert lifecycle.succeed(session, claim, REPORT, [])
    row = row_of(database, job_id)
    assert row["gate"]["state"] == row["gate_state"] == "failed"


def test_a_conflict_says_the_state_of_the_job(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert lifecycle.fail(session, claim, ERROR)
        with pytest.raises(Conflict, match="the job is failed") as conflict:
            lifecycle.cancel(session, "ada", claim.job_id)
    assert conflict.value.state == JobState.FAILED


@pytest.mark.parametrize("compress", [True, False])
def test_weights_that_are_kept_count_and_masks_and_texts_do_not(
    database: Database, claim: Claim, compress: bool
) -> None:
    kept = [
        ("model-1.safetensors", 100, 60),
        ("model-2.safetensors", 100, None),
        (MASKS, 10, 9),
        ("tokenizer.json", 50, 20),
    ]
    files = [FinishedArtifact(name, name, size, "ab" * 32, stored) for name, size, stored in kept]
    with database.begin() as session:
        assert lifecycle.succeed(session, replace(claim, compress=compress), REPORT, files)
        expected = 160 if compress else None  # where all are kept plain, it would compare with nothing
        assert session.get_one(Job, claim.job_id).stored_weight_bytes == expected
