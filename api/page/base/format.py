"""How numbers, times and events read on the page."""

import math
from collections.abc import Callable
from datetime import UTC, datetime

from jobs.lifecycle.events import EventData, LogMessage, StageFinished, StageStarted, StateChanged
from jobs.spec.gate import Condition
from jobs.states import JobState

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_NAMES = ("id", "name", "dataset")
_NO_VALUE = "\N{EN DASH}"


def percent(share: float) -> str:
    """`0.5` as `50 %`; one decimal where there is one to show."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def change(perplexity: tuple[float | None, float | None]) -> str:
    """By how much the second of two perplexities lies above the first: `+135.4 %`."""
    dense, pruned = perplexity
    if not dense or pruned is None or not (math.isfinite(dense) and math.isfinite(pruned)):
        return _NO_VALUE
    return f"{100 * (pruned / dense - 1):+.1f} %".replace("-", "\N{MINUS SIGN}")


def figure(value: float | None) -> str:
    """A perplexity, to about four figures."""
    if value is None or not math.isfinite(value):
        return "not finite"
    return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """Two units at most: `48 s`, `3 min 20 s`, `2 h 05 min`, `4 d 3 h`."""
    if seconds is None:
        return _NO_VALUE
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def age(moment: datetime) -> str:
    """How long ago, in one unit."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def size(count: int) -> str:
    """Bytes, in decimal units as disks and downloads are sold."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{count} B" if unit == "B" else f"{value:.3g} {unit}"


def count(number: int) -> str:
    """`134,515,008`."""
    return f"{number:,}"


def moment(value: datetime) -> str:
    """A full timestamp in UTC."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock(value: datetime) -> str:
    """The time of day in UTC."""
    return f"{value.astimezone(UTC):%H:%M:%S}"


def label(name: str) -> str:
    """A field's name as a heading: `sequence_length` as `Sequence length`."""
    return name.replace("_", " ").capitalize()


def in_words(value: object) -> str:
    """A value of a recipe: what names it first, then its options."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(map(in_words, value))
    if not isinstance(value, dict):
        return str(value)
    names = [str(value[key]) for key in _NAMES if value.get(key) is not None]
    options = [
        f"{key.replace('_', ' ')} {in_words(option)}"
        for key, option in value.items()
        if key not in _NAMES and option not in (None, [], {})
    ]
    return ", ".join(names + options)


def quantity(condition: Condition, value: float | None) -> str:
    """A gate's limit or measurement: a perplexity as it is, everything else as a share."""
    if value is None:
        return _NO_VALUE
    return figure(value) if condition.name == "max_perplexity" else percent(value)


def sentence(event: EventData) -> str:
    """An event in words."""
    match event:
        case StateChanged():
            return _state(event)
        case StageStarted(stage=stage):
            return f"{label(stage)} started"
        case StageFinished():
            return _stage_finished(event)
        case LogMessage(message=message):
            return message
    return label(event.kind)


def _state(event: StateChanged) -> str:
    state = label(event.state)
    if event.state == JobState.RUNNING:
        return f"{state}, attempt {event.attempt}"
    reason = event.reason or (event.error.message if event.error else None)
    return f"{state}: {reason}" if reason else state


def _stage_finished(event: StageFinished) -> str:
    text = f"{label(event.stage)} finished in {duration(event.seconds)}"
    return f"{text}, peak memory {size(event.peak_memory_bytes)}" if event.peak_memory_bytes else text


FILTERS: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (percent, change, figure, duration, age, size, count, moment, clock, quantity, in_words)
}
