"""Formats numbers, times and events for the page."""

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from api.schemas.jobs import JobSummary
from api.schemas.zoo import ZooItem, public_name
from jobs.lifecycle.events import (
    EventData,
    LogMessage,
    StageFinished,
    StageRestarted,
    StageStarted,
    StateChanged,
)
from jobs.queries import Cut
from jobs.spec.gate import Condition
from jobs.states import JobState
from jobs.tables import Job
from pruning.byte_size import byte_size
from pruning.recipe import NORMS_ONLY, STRUCTURE_ONLY, UNIT_KINDS
from pruning.recipe.methods import NoPruning
from pruning.report import Interval, Intervals

NOTHING = NoPruning().name
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_NAMES = ("id", "name", "dataset")
_UNITS = {kind.name: kind.short_label for kind in UNIT_KINDS.values()}
_WIDTHS = frozenset(kind.name for kind in UNIT_KINDS.values() if kind.is_width)
_NO_VALUE = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_TIMES = "\N{MULTIPLICATION SIGN}"


def percent(share: float) -> str:
    """Format a share: `0.5` as `50 %`, with one decimal if it is not zero."""
    return f"{_tenths(100 * share)}".removesuffix(".0").replace("-", _MINUS) + " %"


def change(perplexity: tuple[float | None, float | None]) -> str:
    """Format the increase from the first perplexity to the second: `+135.4 %`, or `0 %` for none."""
    dense, pruned = perplexity
    if not dense or pruned is None or not (math.isfinite(dense) and math.isfinite(pruned)):
        return _NO_VALUE
    grown = _tenths(100 * (pruned / dense - 1))
    return f"{grown:+} %".replace("-", _MINUS) if grown else "0 %"


def _tenths(value: float) -> float:
    """Round to one decimal. Adding zero makes a negative zero positive."""
    return round(value, 1) + 0.0


def figure(value: float | None) -> str:
    """Format a perplexity, to about four digits."""
    if value is None or not math.isfinite(value):
        return "not finite"
    return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}"


def nats(value: float | None) -> str:
    """Format a KL divergence, to about four digits: `0.1234 nats`."""
    return _NO_VALUE if value is None else f"{value:.4g} nats".replace("-", "\N{MINUS SIGN}")


def interval(text: str, of: Any, name: str, scale: float = 1.0) -> str:  # noqa: ANN401 - JSON, or an object
    """Add its 95 % confidence interval to a figure with its unit, in which it is `scale` times as wide.

    `of`: what was measured, with `intervals`, of which the figure's has the `name`.
    """
    intervals = of.get("intervals") if isinstance(of, dict) else of.intervals
    found: Interval | None = getattr(Intervals.model_validate(intervals), name) if intervals else None
    if found is None:
        return text
    number, space, unit = text.partition(" ")
    return f"{number} ± {found.margin(scale)}{space}{unit}"


def times(value: float | None) -> str:
    """Format a speed-up: the figure and a multiplication sign."""
    return _NO_VALUE if value is None else f"{value:.2f} {_TIMES}".replace("-", _MINUS)


def duration(seconds: float | None) -> str:
    """Format seconds in at most two units: `48 s`, `3 min 20 s`, `2 h 05 min`, `4 d 3 h`."""
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
    """Format how long ago a moment was, in one unit."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def describe_cut(cut: Cut) -> str:
    """Write what a model loses: `MLP −25 %, KV 4 → 2`; before the result is known `MLP −25 %, KV −2`."""
    if cut.units is None:
        asked = {name: cut.asked.get(name) for name in (*_UNITS, "parameters")}
        words = _UNITS | {"parameters": "parameters"}
        return _join_parts(f"{words[name]} {_less(amount)}" for name, amount in asked.items() if amount)
    gone = [(unit["kind"], unit["dense"], unit["dense"] - unit["kept"]) for unit in cut.units]
    return _join_parts(
        f"{_UNITS[kind]} {percent(-less / dense) if kind in _WIDTHS else f'{dense} → {dense - less}'}"
        for kind, dense, less in gone
    )


def _join_parts(parts: Iterable[str]) -> str:
    """Join the parts of a cut, none of which is broken over two lines."""
    return ", ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def _less(amount: float) -> str:
    return percent(-amount) if amount < 1 else f"{_MINUS}{amount:g}"


def pruning(job: Job | JobSummary | ZooItem, cut: Cut | None) -> str:
    """Write what a job does to its model: `gblm 50 %`, `wanda 2:4`, `MLP −25 %, KV 4 → 2`."""
    if job.method == NORMS_ONLY:
        return "gradient norms"
    words = [describe_cut(cut)] if cut else []
    if job.method == NOTHING:
        words = words or ["not pruned"]
    elif job.method != STRUCTURE_ONLY:
        measured: float | None = getattr(job, "measured_sparsity", None)
        share = job.sparsity if measured is None else measured
        words.append(f"{job.method} {percent(share) if job.pattern == 'unstructured' else job.pattern}")
    return ", ".join(words)


def count(number: int) -> str:
    """Format a number with separators: `134,515,008`."""
    return f"{number:,}"


def moment(value: datetime) -> str:
    """Format a timestamp in UTC."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock(value: datetime) -> str:
    """Format the time of day in UTC."""
    return f"{value.astimezone(UTC):%H:%M:%S}"


def next_try(value: datetime) -> str:
    """Format when a job is tried again: `next try at 12:00:05 UTC`. What is due waits for a worker."""
    if value <= datetime.now(UTC):
        return "tried again once a worker is free"
    return f"next try at {clock(value)} UTC"


def label(name: str) -> str:
    """Format the name of a field as a heading: `sequence_length` as `Sequence length`."""
    return name.replace("_", " ").capitalize()


def describe_value(value: object) -> str:
    """Format a value of a recipe: its name first, then its options."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(map(describe_value, value))
    if not isinstance(value, dict):
        return str(value)
    names = [str(value[key]) for key in _NAMES if value.get(key) is not None]
    options = [
        f"{key.replace('_', ' ')} {describe_value(option)}"
        for key, option in value.items()
        if key not in _NAMES and option not in (None, [], {})
    ]
    return ", ".join(names + options)


def condition_name(condition: Condition) -> str:
    """Format what a condition is on: `Max KL from dense: code`."""
    name, _, of = condition.name.partition(".")
    return (_MAX_KL if name == "max_kl" else label(name)) + (f": {of}" if of else "")


_MAX_KL = "Max KL from dense"


def quantity(condition: Condition, value: float | None) -> str:
    """Format a limit or measurement of a gate, in the unit of its condition; scores are shares."""
    if value is None:
        return _NO_VALUE
    return _CONDITION_FORMATS.get(condition.name.partition(".")[0], percent)(value)


def plus_minus(condition: Condition) -> str:
    """Format the interval of what was measured for a condition: `± 0.4`; nothing without one."""
    is_share = condition.name.partition(".")[0] not in _CONDITION_FORMATS
    return f"± {condition.interval.margin(100 if is_share else 1)}" if condition.interval else ""


_CONDITION_FORMATS: dict[str, Callable[[float], str]] = {
    "max_perplexity": figure,
    "max_kl": nats,
    "max_bytes": lambda value: _signed(byte_size, value),
    "max_memory_bytes": lambda value: _signed(byte_size, value),
    "max_parameters": lambda value: _signed(count, value),
    "min_speedup": times,
}


def _signed(form: Callable[[int], str], value: float) -> str:
    return f"{_MINUS if value < 0 else ''}{form(round(abs(value)))}"


def describe_event(event: EventData) -> str:
    """Describe an event."""
    match event:
        case StateChanged():
            return _state(event)
        case StageStarted(stage=stage):
            return f"{label(stage)} started"
        case StageFinished():
            return _stage_finished(event)
        case StageRestarted():
            return _restarted(event)
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
    return f"{text}, peak memory {byte_size(event.peak_memory_bytes)}" if event.peak_memory_bytes else text


def _restarted(event: StageRestarted) -> str:
    stages = " and ".join(event.stages)
    blocks = "1 finished block is" if event.blocks == 1 else f"{event.blocks} finished blocks are"
    return f"{blocks} computed again ({stages}): {event.reason}"


FILTERS: dict[str, Callable[..., str]] = {"size": byte_size} | {
    function.__name__: function
    for function in (
        percent,
        change,
        figure,
        nats,
        times,
        duration,
        age,
        count,
        moment,
        clock,
        condition_name,
        next_try,
        public_name,
        quantity,
        plus_minus,
        interval,
        describe_value,
    )
}
