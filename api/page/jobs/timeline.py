"""When each attempt was in which stage, on one scale, so that a repeated stage can be seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.tables import JobAttempt, JobEvent


@dataclass(frozen=True, slots=True)
class Span:
    """One stage of one attempt. Offset and width are parts of the whole timeline."""

    stage: str
    seconds: float
    finished: bool
    offset: float
    width: float


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One worker's hold on the job."""

    attempt: JobAttempt
    seconds: float
    spans: tuple[Span, ...]


def timeline(attempts: Sequence[JobAttempt], told: Sequence[JobEvent]) -> tuple[AttemptView, ...]:
    """The attempts, first to last. What still runs lasts until now."""
    if not attempts:
        return ()
    now = datetime.now(UTC)
    longest = max(_seconds(attempt.started_at, attempt.ended_at or now) for attempt in attempts) or 1.0
    return tuple(_attempt(attempt, told, now, longest) for attempt in attempts)


def _attempt(attempt: JobAttempt, told: Sequence[JobEvent], now: datetime, longest: float) -> AttemptView:
    own = [event for event in told if event.data.get("attempt") == attempt.attempt]
    begun = [(event.data["stage"], event.at) for event in own if event.kind == "stage"]
    finished = {event.data["stage"]: event.at for event in own if event.kind == "stage_finished"}
    end = attempt.ended_at or now
    spans = []
    for stage, at in begun:
        seconds = _seconds(at, finished.get(stage, end))
        offset = _seconds(attempt.started_at, at) / longest
        spans.append(Span(stage, seconds, stage in finished, offset, seconds / longest))
    return AttemptView(attempt, _seconds(attempt.started_at, end), tuple(spans))


def _seconds(start: datetime, end: datetime) -> float:
    """Between two moments; the database's clock and this one may differ by a little."""
    return max(0.0, (end - start).total_seconds())
