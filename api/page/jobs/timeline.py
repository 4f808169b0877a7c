"""The stages of each attempt on one time scale, so that a repeated stage is visible."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.lifecycle.events import Event, StageFinished, StageStarted
from jobs.tables import JobAttempt


@dataclass(frozen=True, slots=True)
class Span:
    """A stage of an attempt. Offset and width are fractions of the timeline."""

    stage: str
    seconds: float
    finished: bool
    offset: float
    width: float


@dataclass(frozen=True, slots=True)
class AttemptView:
    """An attempt with its stages."""

    attempt: JobAttempt
    seconds: float
    spans: tuple[Span, ...]


def timeline(attempts: Sequence[JobAttempt], events: Sequence[Event]) -> tuple[AttemptView, ...]:
    """Return the attempts, first to last. One that still runs lasts until now."""
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
    """Return the time between two moments, never negative: the clocks of database and API may differ."""
    return max(0.0, (end - start).total_seconds())
