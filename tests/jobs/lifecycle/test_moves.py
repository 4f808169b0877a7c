"""What each move of a worker leaves in the job's row, in its events and in its attempt, column by column."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs import queries
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError, LogMessage, StateChanged
from jobs.lifecycle.lifecycle import Claim, FinishedArtifact
from jobs.monitoring import traces
from jobs.spec.job import JobSpec
from jobs.states import JobState, LostAttempt
from jobs.tables import NOW, Job, Lease
from pruning.masks.packed import FILE_NAME as MASKS
from tests.claims import take
from tests.conftest import Submit
from tests.jobs.lifecycle.rows import ARTIFACT, ERROR, REPORT, STORED_ERROR, attempt_of, events_of, row_of

Move = Callable[[Session, Claim], object]
LOST = {"type": "killed", "message": "lost 1 times in a row without a new finished block; last: gone"}


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
    released = {"lease_token": None, "worker": None}
    progress = {"seconds_left": None, "memory_bytes": None}
    if event.state == JobState.QUEUED:
        progress |= {"stage": None, "step": None, "steps": None}
    expected = before | released | progress | values
    expected |= {"state": event.state, "last_event": before["last_event"] + 1}
    if values.get("blocked_on"):
        expected["blocked_on"] = claim.job_id
    attempt = attempt_of(database, claim.job_id)
    assert attempt.ended_at is not None
    at = "queued_at" if event.state == JobState.QUEUED else "ended_at"
    times = {at, "orphaned_files_since"} | ({"cancelling_at"} if "cancel" in event.state else set())
    assert {name: after[name] for name in after if name not in times} == {
        name: expected[name] for name in expected if name not in times
    }
    assert all(after[name] > before["running_at"] for name in times)

    assert events_of(database, claim.job_id) == [*events, event.model_copy(update={"attempt": 2})]
    assert (attempt.attempt, attempt.worker, attempt.outcome, attempt.reason) == (2, "w1", outcome, reason)


@pytest.mark.parametrize("end", [each[0] for each in ENDS.values()], ids=ENDS.keys())
@pytest.mark.parametrize("changed", ["lease_token", "job_id"])
def test_a_claim_that_does_not_hold_the_job_ends_nothing(
    database: Database, submit: Submit, claim: Claim, end: Move, changed: str
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
        lease, now = session.get_one(Lease, claim.job_id), session.scalars(select(NOW)).one()
    took = (now - row["queued_at"]).total_seconds()
    assert lease.token == claim.lease_token
    assert (lease.expires_at - row["running_at"]).total_seconds() == pytest.approx(30, abs=took)
    assert row["progressed_at"] >= row["running_at"]
    assert events_of(database, claim.job_id)[-2] == StateChanged(
        state=JobState.RUNNING, attempt=2, worker="w1"
    )
    assert (claim.attempt, claim.owner, claim.stored_spec) == (2, "ada", row["spec"])
    with database.begin() as session:
        assert lifecycle.claim(session, claim.job_id, "w2", 30) is None
    assert [attempt_of(database, claim.job_id).attempt, row_of(database, claim.job_id)["worker"]] == [2, "w1"]


def test_success_publishes_its_artifacts(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert lifecycle.succeed(session, claim, REPORT, [ARTIFACT])
    with database.begin() as session:
        found = queries.artifacts(session, "ada", claim.job_id)
        assert [(each.name, each.size) for each in found] == [(ARTIFACT.name, 7)]
        assert queries.artifacts(session, "bob", claim.job_id) == []


def test_a_lease_is_extended_only_by_its_holder_and_says_whether_to_stop(
    database: Database, claim: Claim
) -> None:
    stranger = Claim(claim.job_id, 2, uuid4(), "ada", {})
    with database.begin() as session:
        assert lifecycle.extend_lease(session, claim, 300) == JobState.RUNNING
        assert lifecycle.extend_lease(session, stranger, 900) is None
        assert not lifecycle.record(session, stranger, LogMessage(message="late"))
        now = session.scalar(NOW.select())
        left = session.get_one(Lease, claim.job_id).expires_at - now
    assert timedelta(seconds=290) < left <= timedelta(seconds=300)
    with database.begin() as session:
        cancelling(session, claim)
        assert lifecycle.extend_lease(session, claim, 30) == JobState.CANCELLING


def test_weights_that_are_kept_count_and_masks_and_texts_do_not(database: Database, claim: Claim) -> None:
    kept = [
        ("model-1.safetensors", 100, 60),
        ("model-2.safetensors", 100, None),
        (MASKS, 10, 9),
        ("tokenizer.json", 50, 20),
    ]
    files = [FinishedArtifact(name, name, size, "ab" * 32, stored) for name, size, stored in kept]
    with database.begin() as session:
        assert lifecycle.succeed(session, claim, REPORT, files)
        assert session.get_one(Job, claim.job_id).stored_weight_bytes == 160


def test_a_result_without_weights_takes_no_known_room(database: Database, claim: Claim) -> None:
    report = FinishedArtifact("report.json", "report.json", 50, "ab" * 32, 20)
    with database.begin() as session:
        assert lifecycle.succeed(session, claim, REPORT, [report])
        assert session.get_one(Job, claim.job_id).stored_weight_bytes is None


def test_a_claim_continues_the_trace_of_the_submission_with_the_wait_for_it(
    database: Database, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(traces, "_tracer", provider.get_tracer("test"))
    with traces.span("submission"), database.begin() as session:
        job_id = owner_moves.create(session, "ada", spec).id
        session.execute(update(Job).values(queued_at=NOW - timedelta(hours=1)))
    claim = take(database, job_id)
    submission, queued = memory.get_finished_spans()
    assert submission.context is not None
    place = f"00-{submission.context.trace_id:032x}-{submission.context.span_id:016x}-"
    assert claim.traceparent is not None
    assert claim.traceparent.startswith(place)
    assert (queued.name, queued.parent and queued.parent.span_id) == ("queued", submission.context.span_id)
    row = row_of(database, job_id)
    assert queued.end_time is not None
    assert queued.start_time is not None
    waited = timedelta(microseconds=(queued.end_time - queued.start_time) / 1000)
    assert abs(waited - (row["running_at"] - row["queued_at"])) <= timedelta(microseconds=1)
