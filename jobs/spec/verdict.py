"""The verdict of a gate on a report, and what lists show of a report.

Where a figure has a confidence interval, a limit inside it makes the condition inconclusive.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from jobs.spec.gate import Condition, DomainLimits, Gate, GateState, Verdict
from pruning.report import Interval
from pruning.report.intervals import score_intervals, text_intervals

_METRIC = "acc"
_MAX_WINDOWS = 100_000  # of an evaluation


@dataclass(frozen=True, slots=True)
class Baseline:
    """The job that a gate compares with, and its report."""

    job_id: UUID
    report: dict[str, Any]


def judge(gate: Gate, report: dict[str, Any], baseline: Baseline | None = None) -> Verdict:
    """Return the verdict on a report. A condition whose value was not measured, or is not finite, fails.

    So does one that compares with a baseline which there is not, or which measured something else.
    """
    before = baseline.report if baseline and _measured_alike(gate, report, baseline.report) else None
    conditions = [
        *_quality_conditions(gate, report, before),
        *_size_and_speed_conditions(gate, report),
        *_task_conditions(gate, report, before),
    ]
    states = {condition.state for condition in conditions}
    worst_first = (GateState.FAILED, GateState.INCONCLUSIVE, GateState.PASSED)
    state = next(state for state in worst_first if state in states)
    job_id = baseline.job_id if baseline else None
    return Verdict(state=state, export=gate.export, baseline=job_id, conditions=conditions)


def result_parameters(report: dict[str, Any]) -> int | None:
    """Return the number of parameters of the pruned model; zeros count."""
    structure, model = report.get("structure") or {}, report.get("model") or {}
    parameters: int | None = structure.get("parameters", model.get("parameters"))
    return parameters


@dataclass(frozen=True)
class _Measured:
    """A measured value with its interval, by so many windows or examples."""

    value: float | None
    interval: Interval | None = None
    sample: int = 0


def _measured_alike(gate: Gate, report: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether two reports are of one dense model and the same windows of the text of no domain."""
    ours, theirs = (
        [
            *(one["model"].get(name) for name in ("commit", "digest")),
            one["perplexity"].get("fingerprint"),
            *(_text_facts(gate, one).get(name) for name in ("windows", "sequence_length")),
        ]
        for one in (report, before)
    )
    return ours == theirs


def _quality_conditions(
    gate: Gate, report: dict[str, Any], before: dict[str, Any] | None
) -> Iterator[Condition]:
    text = _text_facts(gate, report)
    theirs = _text_facts(gate, before) if before else {}
    yield from _text_conditions(gate, text, theirs if gate.baseline else None)
    for domain, limits in gate.domains.items():
        text, theirs = (one.get("domains", {}).get(domain, {}) for one in (report, before or {}))
        alike = all(text.get(name) == theirs.get(name) for name in _WINDOWS)
        compared = (theirs if alike else {}) if gate.baseline else None
        yield from _text_conditions(limits, text, compared, f".{domain}")


_WINDOWS = ("fingerprint", "windows", "sequence_length")


def _text_conditions(
    limits: Gate | DomainLimits, text: dict[str, Any], baseline: dict[str, Any] | None, suffix: str = ""
) -> Iterator[Condition]:
    """Yield the conditions on one text. `baseline`: what it has of the text; None: the dense model counts."""
    intervals = {name: _interval(found) for name, found in (text.get("intervals") or {}).items()}
    base, pruned = text.get("dense"), text.get("pruned")
    values = {"max_perplexity": pruned, "max_perplexity_increase": None, "max_kl": text.get("kl")}
    if baseline is not None:
        base, intervals["increase"] = _over_baseline(text, baseline)
    if base is not None and pruned is not None:
        values["max_perplexity_increase"] = pruned / base - 1
    for name, value in values.items():
        if (limit := getattr(limits, name, None)) is not None:
            interval = intervals.get(name.removeprefix("max_").removeprefix("perplexity_"))
            yield _at_most(name + suffix, limit, _Measured(value, interval, text.get("windows", 0)))


def _over_baseline(text: dict[str, Any], before: dict[str, Any]) -> tuple[float | None, Interval | None]:
    """Return the baseline's perplexity, and the interval of the increase over it, window by window."""
    losses, theirs = text.get("window_losses", ()), before.get("window_losses", ())
    found = text_intervals(theirs, losses) if losses and len(losses) == len(theirs) else None
    return before.get("pruned"), found.increase if found else None


def _text_facts(gate: Gate, report: dict[str, Any]) -> dict[str, Any]:
    """Return what was measured on the text, of what the gate is on."""
    if gate.export is None:
        facts: dict[str, Any] = report["perplexity"]
        return facts
    export = _export(gate, report)
    if export is None:  # its warning is in the report
        return {}
    return export | {"dense": export["dense_perplexity"], "pruned": export["perplexity"]}


def _export(gate: Gate, report: dict[str, Any]) -> dict[str, Any] | None:
    exports: list[dict[str, Any]] = report.get("exports", [])
    return next((export for export in exports if export["name"] == gate.export), None)


def _interval(facts: dict[str, float] | None) -> Interval | None:
    return None if facts is None else Interval.model_validate(facts)


def _size_and_speed_conditions(gate: Gate, report: dict[str, Any]) -> Iterator[Condition]:
    speed = _speed_facts(gate, report)
    for name, value in (
        ("max_bytes", speed.get("bytes")),
        ("max_parameters", result_parameters(report)),
        ("max_memory_bytes", speed.get("peak_memory_bytes")),
    ):
        if (limit := getattr(gate, name)) is not None:
            yield _at_most(name, limit, _Measured(value))
    if gate.min_speedup is not None:
        yield _at_least("min_speedup", gate.min_speedup, _Measured(_speedup(speed)))


def _speed_facts(gate: Gate, report: dict[str, Any]) -> dict[str, Any]:
    """Return size and speed of what the gate is on, as `SpeedFacts` has them."""
    if gate.export is None:
        facts: dict[str, Any] = report.get("speed") or {}
        return facts
    export = _export(gate, report)
    if export is None:
        return {}
    rates = [
        {"speedup": rate["tokens_per_second"] / rate["dense"], "noise": rate["noise"]}
        for rate in export["rates"]
    ]
    return {"bytes": export["bytes"], "rates": rates, "speedup": _certain_speedup(rates)}


def _certain_speedup(rates: list[dict[str, float]]) -> float | None:
    """Return the lowest speed-up; none where nothing was measured, or where it is a gain within the noise."""
    lowest = min((rate["speedup"] for rate in rates), default=None)
    noise = max((rate["noise"] for rate in rates), default=0.0)
    return None if lowest is None or 1 < lowest <= 1 + noise else lowest


def _speedup(speed: dict[str, Any]) -> float | None:
    """Return the measured speed-up. A gain below the noise counts as none, a loss as it was measured."""
    measured: float | None = speed.get("speedup")
    if measured is None and (rates := speed.get("rates")):
        return min([1.0, *(float(rate["speedup"]) for rate in rates)])
    return measured


def _task_conditions(
    gate: Gate, report: dict[str, Any], before: dict[str, Any] | None
) -> Iterator[Condition]:
    for task, limit in gate.min_score.items():
        score = _score(report, task)
        interval = _interval(score.get("interval"))
        found = _Measured(score.get("pruned"), interval, score.get("examples") or 0)
        yield _at_least(f"min_score.{task}", limit, found)
    for task, limit in gate.max_score_drop.items():
        score = _score(report, task)
        if gate.baseline is None:
            base, change = score.get("dense"), _interval(score.get("change_interval"))
        else:
            base, change = _change_of_baseline(score, _score(before, task) if before else {})
        drop = None if base is None or "pruned" not in score else base - score["pruned"]
        interval = Interval(low=-change.high, high=-change.low) if change else None
        yield _at_most(f"max_score_drop.{task}", limit, _Measured(drop, interval, score.get("examples") or 0))


def _change_of_baseline(
    score: dict[str, Any], before: dict[str, Any]
) -> tuple[float | None, Interval | None]:
    """Return the baseline's score by the same version of the task, and the interval of the change from it."""
    if any(before.get(name) != score.get(name) for name in ("metric", "version", "examples")):
        return None, None
    theirs, ours = ([float(one) for one in scores.get("outcomes") or ""] for scores in (before, score))
    return before.get("pruned"), score_intervals(theirs, ours)[1]


def _score(report: dict[str, Any], task: str) -> dict[str, Any]:
    """Return what was measured in the task by its accuracy, or its first metric; nothing for another task."""
    zero_shot = report.get("zero_shot") or {"scores": []}
    scores: list[dict[str, Any]] = zero_shot["scores"]
    by_metric = {score["metric"]: score for score in scores if score["task"] == task}
    return by_metric.get(_METRIC, next(iter(by_metric.values()), {}))


def _at_most(name: str, limit: float, found: _Measured) -> Condition:
    interval = found.interval
    undecided = interval is not None and interval.low <= limit < interval.high
    margin = None if found.value is None else limit - found.value
    return _condition(name, limit, found, margin, undecided=undecided)


def _at_least(name: str, limit: float, found: _Measured) -> Condition:
    interval = found.interval
    undecided = interval is not None and interval.low < limit <= interval.high
    margin = None if found.value is None else found.value - limit
    return _condition(name, limit, found, margin, undecided=undecided)


def _condition(
    name: str, limit: float, found: _Measured, margin: float | None, *, undecided: bool
) -> Condition:
    """Ends of an interval that meet the limit decide that it holds, and not that it is missed."""
    decided = GateState.PASSED if margin is not None and margin >= 0 else GateState.FAILED
    return Condition(
        name=name,
        limit=limit,
        measured=found.value,
        margin=margin,
        state=GateState.INCONCLUSIVE if undecided else decided,
        interval=found.interval,
        required_sample=_required_sample(found, limit) if undecided else None,
    )


def _required_sample(found: _Measured, limit: float) -> int | None:
    """Return about how many windows decide: the interval shrinks with the root of their number."""
    value, interval = found.value, found.interval
    if value is None or interval is None or value == limit:
        return None
    reach = interval.high - value if limit > value else value - interval.low
    count = max(found.sample + 1.0, found.sample * (reach / (limit - value)) ** 2)
    if not count <= _MAX_WINDOWS:
        return None
    unit = int(10 ** max(0, len(str(math.ceil(count))) - 2))
    return math.ceil(count / unit) * unit


_LISTED_OF_DOMAIN = ("dense", "pruned", "kl", "agreement", "intervals")
_LISTED = (
    *("name", "path", "bytes", "dense_bytes", "perplexity", "dense_perplexity", "kl", "agreement"),
    "intervals",
)


def report_columns(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report, and the columns of what lists show of it."""
    perplexity, speed = report["perplexity"], report.get("speed") or {}
    figures = {
        "dense_perplexity": perplexity["dense"],
        "kl": perplexity.get("kl"),
        "agreement": perplexity.get("agreement"),
        "parameters": result_parameters(report),
        "weight_bytes": speed.get("bytes"),
        "speedup": speed.get("speedup"),
        "intervals": perplexity.get("intervals"),
        "domains": {
            domain: {name: text.get(name) for name in _LISTED_OF_DOMAIN}
            for domain, text in report.get("domains", {}).items()
        },
        "exports": [{name: export.get(name) for name in _LISTED} for export in report.get("exports", ())],
    }
    return {
        "report": report,
        "pruned_perplexity": perplexity["pruned"],
        "measured_sparsity": report["sparsity"]["overall"],
        "figures": figures,
    }
