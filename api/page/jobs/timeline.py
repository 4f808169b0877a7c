"""The stages of each attempt on one time scale, so that a repeated stage is visible.

Attempts in a row that something outside ended, because it did not answer, are shown as one, with their count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.lifecycle.events import Event, StageFinished, StageStarted
from jobs.states import Outcome
from jobs.tables import JobAttempt

WAITING = "waiting"
"""The name of the one span of attempts that something outside has ended."""


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
    """An attempt with its stages, or several that something outside has ended."""

    attempt: JobAttempt
    """The last of them."""
    started_at: datetime
    seconds: float
    spans: tuple[Span, ...]
    tries: int = 1


def timeline(attempts: Sequence[JobAttempt], events: Sequence[Event]) -> tuple[AttemptView, ...]:
    """Return the attempts, first to last. One that still runs lasts until now."""
    if not attempts:
        return ()
    now = datetime.now(UTC)
    rows = _rows(attempts)
    longest = max(_seconds(row[0].started_at, row[-1].ended_at or now) for row in rows) or 1.0
    return tuple(_row(row, events, now, longest) for row in rows)


def _rows(attempts: Sequence[JobAttempt]) -> list[list[JobAttempt]]:
    """Return the attempts, those together that something outside has ended one after the other."""
    rows: list[list[JobAttempt]] = []
    for attempt in attempts:
        if rows and rows[-1][-1].outcome == attempt.outcome == Outcome.UNREACHABLE:
            rows[-1].append(attempt)
        else:
            rows.append([attempt])
    return rows


def _row(row: Sequence[JobAttempt], events: Sequence[Event], now: datetime, longest: float) -> AttemptView:
    last = row[-1]
    seconds = _seconds(row[0].started_at, last.ended_at or now)
    if last.outcome == Outcome.UNREACHABLE:
        spans: tuple[Span, ...] = (Span(WAITING, seconds, False, 0.0, seconds / longest),)
    else:
        spans = _spans(last, events, last.ended_at or now, longest)
    return AttemptView(last, row[0].started_at, seconds, spans, len(row))


def _spans(attempt: JobAttempt, events: Sequence[Event], end: datetime, longest: float) -> tuple[Span, ...]:
    """Return the stages of an attempt. One that begins again, or gives way to another, ends there."""
    own = [event for event in events if event.data.attempt == attempt.attempt]
    begun = [(event.data.stage, event.at) for event in own if isinstance(event.data, StageStarted)]
    finished = {event.data.stage: event.at for event in own if isinstance(event.data, StageFinished)}
    spans = []
    ends = [*(at for _, at in begun[1:]), end]
    for (stage, at), following in zip(begun, ends, strict=False):
        done = stage in finished and at <= finished[stage] <= following
        seconds = _seconds(at, finished[stage] if done else following)
        offset = _seconds(attempt.started_at, at) / longest
        spans.append(Span(stage, seconds, done, offset, seconds / longest))
    return tuple(spans)


def _seconds(start: datetime, end: datetime) -> float:
    """Return the time between two moments, never negative: the clocks of database and API may differ."""
    return max(0.0, (end - start).total_seconds())
