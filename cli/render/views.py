"""Show jobs: their events as they come, one job with its report, and lists of jobs."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from rich.console import Console
from rich.filesize import decimal as size
from rich.table import Table

from cli.options.errors import error_of
from cli.options.request import QUICK_NOTE, is_quick
from cli.render.methods import WITHOUT_MASK, amounts, method_summary
from cli.render.tables import ids, plain_grid, plain_table
from cli.terminal import clean, duration
from pruneserve_client.models import (
    Condition,
    Event,
    ExportFacts,
    ExportRateFacts,
    Interval,
    JobDetail,
    JobSummary,
    LogMessage,
    Perplexity,
    PerplexityFacts,
    Report,
    SpeedFacts,
    StageFinished,
    StageRestarted,
    StageStarted,
    StateChanged,
    StepFinished,
    StructureFacts,
    StructureOptions,
)

_OTHER_VERSION = "written by another version of the service: install the command line of that version"


def report_of(job: JobDetail) -> Report | None:
    """Return the job's report; None without one, and where it does not have the fields of this version."""
    return job.report if isinstance(job.report, Report) else None


def measurements(job: JobDetail, escape: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Yield name and text of what was measured of the result; `escape` is for texts of the server."""
    report = report_of(job)
    if report is None:
        if job.report is not None:
            yield "report", _OTHER_VERSION
        return
    if report.structure:
        yield "parameters", escape(_parameters(report.structure))
    if report.speed:
        yield "size", _size_and_speed(report.speed)
    if fidelity := _fidelity(report.perplexity):
        yield "against dense", fidelity
    for name, text in (report.domains or {}).items():
        found = text.intervals.perplexity if text.intervals else None
        perplexity = change(Perplexity(dense=text.dense, pruned=text.pruned, interval=found))
        yield f"in {escape(name)}", "; ".join(filter(None, (perplexity, _fidelity(text))))
    if report.sparsity.overall:
        yield "zeros", f"{report.sparsity.overall:.2%} of the weights in the pruned layers"


def perplexity_of(job: JobDetail, measured: Perplexity) -> str:
    """Return the perplexity, and how much of which text it is of. Not yet escaped."""
    report = report_of(job)
    if report is None:
        return change(measured)
    facts = report.perplexity
    text = f"{facts.windows:,} window{'' if facts.windows == 1 else 's'} of {facts.sequence_length} tokens"
    without = "" if facts.intervals or facts.cut_short else ", no interval"
    return f"{change(measured)}, on {text} of {facts.dataset.rpartition('/')[2]}{without}"


def _parameters(structure: StructureFacts) -> str:
    """Return the parameters that are left, in part in the server's words. Not yet escaped."""
    left, dense = structure.parameters, structure.dense_parameters
    fewer = f", {1 - left / dense:.1%} fewer" if dense else ""
    return f"{left:,} of {dense:,}{fewer}: {structure.left}"


def _size_and_speed(speed: SpeedFacts) -> str:
    """Return the size, and how many times as fast the result is if that was measured."""
    sizes = f"{size(speed.bytes)} of {size(speed.dense_bytes)}"
    if not speed.rates:
        return sizes
    if speed.speedup is None:
        return f"{sizes}; the speed-up is not measurable: the noise exceeds the gain"
    return f"{sizes}; {speed.speedup:.2f} times as fast as the dense model"


def _fidelity(perplexity: PerplexityFacts) -> str:
    """Return how near the predictions are to the dense model's; nothing where that was not measured."""
    if perplexity.kl is None or perplexity.agreement is None:
        return ""
    found = perplexity.intervals
    kl, agreement = (margin(found.kl), margin(found.agreement, 100)) if found else ("", "")
    return (
        f"KL {perplexity.kl:.4f}{kl} nats per token; the same most probable token in "
        f"{perplexity.agreement:.1%}{agreement and agreement + '%'}"
    )


EXPORT_COLUMNS = ("export", "size", "perplexity", "KL", "decode, tokens/s")


def export_row(export: ExportFacts) -> tuple[str, ...]:
    """Return name, size, perplexity, KL and speed of an exported file. Not yet escaped."""
    found = export.intervals
    perplexity = change(
        Perplexity(
            dense=export.dense_perplexity,
            pruned=export.perplexity,
            interval=found.perplexity if found else None,
        )
    )
    kl = "" if export.kl is None else f"{export.kl:.4f}{margin(found.kl) if found else ''}"
    decode = next((_rate(rate) for rate in export.rates if rate.phase == "decode"), "")
    return export.name, size(export.bytes), perplexity, kl, decode


def _rate(rate: ExportRateFacts) -> str:
    return f"{rate.dense:.1f} → {rate.tokens_per_second:.1f} (±{rate.noise:.0%})"


def warnings_of(report: Report) -> Iterator[str]:
    """Yield what the reader should know of the result and of each exported file. Not yet escaped."""
    yield from report.warnings
    for export in report.exports:
        yield from (f"{export.name}: {warning}" for warning in export.warnings)


# Lines per stage in a log: enough to see that it makes progress, few enough to read.
_LINES_PER_STAGE = 10

_TRIED_SOON = "tried again once a worker is free"


class EventPrinter:
    """Shows the events of one job: a line for each, at most ten for the steps of a stage."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = ("", 0)

    def show(self, event: Event) -> None:
        """Show one event. Kinds that this version does not know are ignored."""
        match event.data:
            case StageStarted() | StepFinished() as progress:
                self._progress(event, progress)
            case StageFinished() as finished:
                peak = finished.peak_memory_bytes
                used = f", peak memory {size(peak)}" if peak else ""
                self._line(event, f"{clean(finished.stage)} done in {duration(finished.seconds)}{used}")
            case StateChanged() as change:
                self._line(event, _state_line(change))
            case StageRestarted() as again:
                self._line(event, _restart_line(again))
            case LogMessage(message=message):
                self._line(event, clean(message))

    def waiting(self, reason: str) -> None:
        """Show why the job waits."""
        self._console.print(f"{time.strftime('%H:%M:%S')}  waiting: {clean(reason)}")

    def _progress(self, event: Event, progress: StageStarted | StepFinished) -> None:
        finished = progress if isinstance(progress, StepFinished) else None
        step, steps = finished.step if finished else 0, progress.steps
        shown = (progress.stage, step * _LINES_PER_STAGE // steps if steps else 0)
        # The line of the finished stage replaces that of its last step.
        if shown == self._shown or 0 < steps == step:
            return
        self._shown = shown
        position = f" {step}/{steps}" if steps else ""
        seconds = finished.seconds_left if finished else None
        left = f", about {duration(seconds)} left" if seconds else ""
        self._line(event, f"{clean(progress.stage)}{position}{left}")

    def _line(self, event: Event, text: str) -> None:
        self._console.print(f"{event.at.astimezone():%H:%M:%S}  {text}")


def _state_line(change: StateChanged) -> str:
    attempt = f", attempt {change.attempt}" if change.attempt and change.attempt > 1 else ""
    reason = f": {clean(change.reason)}" if change.reason else ""
    return f"{clean(change.state)}{attempt}{reason}"


def _restart_line(again: StageRestarted) -> str:
    blocks = "1 finished block is" if again.blocks == 1 else f"{again.blocks} finished blocks are"
    reason = ", ".join(f"{one.name} {one.before} before, {one.now} now" for one in again.changes)
    return clean(f"{blocks} computed again ({' and '.join(again.stages)}): {reason}")


def table_of_jobs(
    jobs: Iterable[JobSummary], structures: Mapping[str, StructureOptions] | None = None
) -> Table:
    """Return a table with one line per job. `structures`: what jobs take out, by their ids."""
    table = plain_table(ids("job"), "name", "state", "method", "pattern", "sparsity", "perplexity", "model")
    for job in jobs:
        # What masks nothing has neither.
        masks_nothing = job.method in WITHOUT_MASK
        cut = amounts((structures or {}).get(str(job.id)))
        table.add_row(
            str(job.id),
            clean(job.name or ""),
            _state_and_step(job),
            clean(", ".join([job.method, *cut])),
            "" if masks_nothing else clean(job.pattern),
            "" if masks_nothing else f"{job.sparsity:g}",
            change(job.perplexity) if job.perplexity else "",
            clean(job.model),
        )
    table.columns[2].no_wrap = not any(" " in str(cell) for cell in table.columns[2].cells)
    return table


def print_job(console: Console, job: JobDetail, server: str, *, stale: bool = False) -> None:
    """Print one job: its state, what it measured and what it took.

    `stale`: that was some time ago, and the state may be another one by now.
    """
    table = plain_grid()
    table.add_row("job", str(job.id))
    table.add_row("page", f"{server}/jobs/{job.id}")
    if job.name:
        table.add_row("name", clean(job.name))
    table.add_row("state", state_of(job, stale=stale))
    table.add_row("model", clean(job.model))
    table.add_row("method", clean(method_summary(job, job.spec.structure)))
    _add_resources(table, job)
    _add_problems(table, job)
    if is_quick(job):
        table.add_row("text", QUICK_NOTE)
    if job.perplexity:
        table.add_row("perplexity", clean(perplexity_of(job, job.perplexity)))
    if job.gate:
        over = f", compared with job {job.gate.baseline}" if job.gate.baseline else ""
        table.add_row("gate", clean(job.gate.state) + over)
        for name, condition in conditions_of(job):
            table.add_row("", clean(_condition_line(name, condition)))
    for row in _rows_of_report(job):
        table.add_row(*row)
    console.print(table)
    if (report := report_of(job)) and report.exports:
        exports = plain_table(*EXPORT_COLUMNS)
        for export in report.exports:
            exports.add_row(*map(clean, export_row(export)))
        console.print()
        console.print(exports)


def _rows_of_report(job: JobDetail) -> Iterator[tuple[str, str]]:
    yield from measurements(job, clean)
    report = report_of(job)
    for stage in report.stages if report else ():
        yield (
            clean(stage.name),
            f"{duration(stage.seconds)}, peak memory {size(stage.peak_memory_bytes)}",
        )
    for warning in warnings_of(report) if report else ():
        yield "warning", clean(warning)


def _add_resources(table: Table, job: JobDetail) -> None:
    if job.queue:
        table.add_row("queue", clean(job.queue))
    if (needs := job.needs) is not None:
        gpus = f"{needs.gpus} x " if needs.gpus else ""
        without = f" (without a GPU {size(needs.cpu_bytes)} and {size(needs.cpu_scratch_bytes)})"
        table.add_row(
            "needs",
            f"{gpus}{size(needs.device_bytes)} of GPU memory, {size(needs.host_bytes)} of host memory and "
            f"{size(needs.scratch_bytes)} of disk{'' if needs.gpus else without}",
        )


def _add_problems(table: Table, job: JobDetail) -> None:
    if job.waiting and job.waiting.since:
        tries = "" if job.waiting.tries is None else f"{job.waiting.tries} tries "
        since = f"{tries}since {_local_time(job.waiting.since)}"
        table.add_row("waiting", f"{clean(job.waiting.message)}; {since}")
    if job.error:
        table.add_row("error", clean(error_of(job)))


_MEASURE_FORMATS = {
    "max_perplexity_increase": ".2%",
    "max_perplexity": ".2f",
    "max_kl": ".4g",
    "max_bytes": ",.0f",
    "max_memory_bytes": ",.0f",
    "max_parameters": ",.0f",
    "min_speedup": ".2f",
}


def measure(name: str, value: float | None, sign: str = "") -> str:
    """Return a value of the gate's condition `name`, in the format of its kind."""
    if value is None:
        return "no finite value"
    form = _MEASURE_FORMATS.get(name.partition(".")[0], ".4f")
    return f"{value:{sign}{form}}"


def measured(condition: Condition) -> str:
    """Return the measured value of a condition, with its interval: `18.66 ± 0.4`, `29.90% ± 2%`."""
    is_share = condition.name.startswith("max_perplexity_increase")
    half = margin(condition.interval, 100 if is_share else 1)
    return measure(condition.name, condition.measured) + (half and half + "%" * is_share)


def margin(interval: Interval | None, scale: float = 1.0) -> str:
    """Return ` ± 0.4`: half the width of an interval, as `Interval.margin` does; empty without one."""
    if interval is None:
        return ""
    half = scale * (interval.high - interval.low) / 2
    digits = max(0, -math.floor(math.log10(half))) if half else 0
    return f" ± {half:,.{min(digits, _MOST_DIGITS)}f}"


_MOST_DIGITS = 6


def change(perplexity: Perplexity) -> str:
    """Return `14.37 → 18.66 ± 0.4 (+29.9%)`."""
    dense, pruned = (
        "not finite" if value is None else f"{value:.2f}" for value in (perplexity.dense, perplexity.pruned)
    )
    if perplexity.dense is None or perplexity.pruned is None:
        return f"{dense} → {pruned}"
    grown = f"{perplexity.pruned / perplexity.dense - 1:+z.1%}"
    return f"{dense} → {pruned}{margin(perplexity.interval)} ({grown})"


def conditions_of(job: JobDetail | None) -> Iterator[tuple[str, Condition]]:
    """Yield each condition of the gate, after its name and the export that it is on. Not yet escaped.

    Such as `max_kl of gguf:Q4_K_M`.
    """
    if job and job.gate:
        of = "" if job.gate.export is None else f" of {job.gate.export}"
        yield from ((condition.name + of, condition) for condition in job.gate.conditions)


def verdict(condition: Condition) -> str:
    """Return the state, such as `passed`, or `inconclusive, about 96 windows would decide`."""
    if condition.state != "inconclusive":
        return condition.state
    if condition.required_sample is None:
        return "inconclusive, and too near to the limit for any number of windows"
    unit = "windows" if condition.name.startswith(("max_perplexity", "max_kl")) else "examples"
    return f"inconclusive, about {condition.required_sample:,} {unit} would decide"


def _condition_line(name: str, condition: Condition) -> str:
    limit = measure(condition.name, condition.limit)
    margin = measure(condition.name, condition.margin, "+")
    return f"{name} {verdict(condition)}: {measured(condition)}, limit {limit}, margin {margin}"


def missed_conditions(job: JobDetail | None) -> list[str]:
    """Return a line for each condition of the gate that has not passed. Not yet escaped."""
    return [_condition_line(name, one) for name, one in conditions_of(job) if one.state != "passed"]


def _local_time(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"


def state_of(job: JobDetail, *, stale: bool) -> str:
    """Return the state, step and attempt of a job, or why it waits; `stale` as in `print_job`."""
    attempt = f", attempt {job.attempt}" if job.attempt > 1 else ""
    return _state_and_step(job) + attempt + " when it was last seen" * stale


def _state_and_step(job: JobSummary | JobDetail) -> str:
    if job.waiting:
        if (next_try := job.waiting.next_try_at) is not None:
            awaited = "the store" if job.waiting.reason == "store" else "the Hub"
            when = f"next try at {_local_time(next_try)}" if next_try > datetime.now(UTC) else _TRIED_SOON
            return f"{clean(job.state)} (waiting for {awaited}, {when})"
        return f"{clean(job.state)} ({clean(job.waiting.message)})"
    if job.ended or job.progress is None:
        return clean(job.state)
    step = f" {job.progress.step}/{job.progress.steps}" if job.progress.steps else ""
    return f"{clean(job.state)} ({clean(job.progress.stage)}{step})"
