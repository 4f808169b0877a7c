"""When each attempt was in which stage, on one scale, so that a repeated stage can be seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.lifecycle.events import Event, StageFinished, StageStarted
from jobs.tables import JobAttempt


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


def timeline(attempts: Sequence[JobAttempt], events: Sequence[Event]) -> tuple[AttemptView, ...]:
    """The attempts, first to last. What still runs lasts until now."""
    if not attempts:
        return ()
    now = datetime.now(UTC)
    longest = max(_seconds(attempt.started_at, attempt.ended_at or now) for attempt in attempts) or 1.0
    return tuple(_attempt(attempt, events, now, longest) for attempt in attempts)


def _attempt(attempt: JobAttempt, events: Sequence[Event], now: datetime, longest: float) -> AttemptView:
    own = [event for event in events if event.data.attempt == attempt.attempt]
    begun = [(event.data.stage, event.at) for event in own if isinstance(event.data, StageStarted)]
    finished = {event.data.stage: event.at for event in own if isinstance(event.data, StageFinished)}
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
