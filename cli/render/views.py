"""How jobs are shown: their events as they come, and what has become of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.client.models import Condition, Event, EventData, Job, Perplexity
from cli.terminal import clean, duration, size

# Of a stage, in a log: enough to see that it lives, few enough to be read.
_PLAIN_STEPS = 10


def view_for(console: Console) -> "View":
    """Progress bars on a terminal, plain lines anywhere else."""
    return LiveView(console) if console.is_terminal else PlainView(console)


class View(ABC):
    """Shows the events of one job."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self._console = console

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(  # noqa: B027 - lines leave nothing open
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def show(self, event: Event) -> None:
        """Show one event. Kinds of events that this version does not know are passed over."""
        match event.kind:
            case "stage" | "progress":
                self._progress(event)
            case "stage_finished":
                self._stage_finished(event)
            case "state":
                self._line(event, _state(event.data))
            case "log":
                self._line(event, clean(event.data.message))

    @abstractmethod
    def _progress(self, event: Event) -> None: ...

    def _stage_finished(self, event: Event) -> None:
        data = event.data
        took = f" in {duration(data.seconds)}" if data.seconds is not None else ""
        peak = f", peak memory {size(data.peak_memory_bytes)}" if data.peak_memory_bytes else ""
        self._line(event, f"{clean(data.stage)} done{took}{peak}")

    def _line(self, event: Event, text: str) -> None:
        self._console.print(f"{event.at.astimezone():%H:%M:%S}  {text}")


class PlainView(View):
    """One line per event, for logs; of a stage's steps only every tenth part."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        super().__init__(console)
        self._shown = ("", 0)

    def _progress(self, event: Event) -> None:
        data = event.data
        step, steps = data.step or 0, data.steps or 0
        shown = (data.stage, step * _PLAIN_STEPS // steps if steps else 0)
        # The last step is told by the end of the stage.
        if shown == self._shown or 0 < steps == step:
            return
        self._shown = shown
        position = f" {step}/{steps}" if steps else ""
        self._line(event, f"{clean(data.stage)}{position}{_left(data, ', ')}")


class LiveView(View):
    """A bar per stage, and the other events above the bars."""

    def __init__(self, console: Console) -> None:
        """Draw on `console`."""
        super().__init__(console)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            console=console,
        )
        self._tasks: dict[tuple[int, str], TaskID] = {}

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bars as they are."""
        self._bars.stop()

    def _progress(self, event: Event) -> None:
        data = event.data
        self._bars.update(
            self._task(data), completed=data.step or 0, total=data.steps or None, left=_left(data)
        )

    def _stage_finished(self, event: Event) -> None:
        task = self._task(event.data)
        total = self._bars.tasks[task].total or 1
        self._bars.update(task, completed=total, total=total, left="")

    def _task(self, data: EventData) -> TaskID:
        key = (data.attempt or 1, data.stage)
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task(f"{clean(data.stage):<9}", left="")
        return self._tasks[key]


def _left(data: EventData, before: str = "") -> str:
    return f"{before}about {duration(data.seconds_left)} left" if data.seconds_left else ""


def _state(data: EventData) -> str:
    attempt = f", attempt {data.attempt}" if data.attempt and data.attempt > 1 else ""
    reason = f": {clean(data.reason)}" if data.reason else ""
    return f"{clean(data.state)}{attempt}{reason}"


def table_of_jobs(jobs: Iterable[Job]) -> Table:
    """One line per job."""
    table = Table(
        "job", "state", "method", "pattern", "sparsity", "perplexity", "model", box=None, pad_edge=False
    )
    for job in jobs:
        table.add_row(
            str(job.id),
            _standing(job),
            clean(job.method),
            clean(job.pattern),
            f"{job.sparsity:g}",
            change(job.perplexity) if job.perplexity else "",
            clean(job.model),
        )
    return table


def print_job(console: Console, job: Job) -> None:
    """Everything that there is to say about one job, on a few lines."""
    table = Table.grid(padding=(0, 2))
    table.add_row("job", str(job.id))
    table.add_row("state", _standing(job) + (f", attempt {job.attempt}" if job.attempt > 1 else ""))
    table.add_row("model", clean(job.model))
    table.add_row("method", f"{clean(job.method)}, {clean(job.pattern)}, sparsity {job.sparsity:g}")
    if job.error:
        at = f"{clean(job.error.field)}: " if job.error.field else ""
        table.add_row("error", at + clean(job.error.message))
    if job.perplexity:
        table.add_row("perplexity", change(job.perplexity))
    if job.gate:
        table.add_row("gate", clean(job.gate.state))
        for condition in job.gate.conditions:
            table.add_row("", clean(_met(condition)))
    if job.report:
        table.add_row("zeros", f"{job.report.sparsity.overall:.2%} of the weights in the pruned layers")
        for stage in job.report.stages:
            cost = f"{duration(stage.seconds)}, peak memory {size(stage.peak_memory_bytes)}"
            table.add_row(clean(stage.name), cost)
        for warning in job.report.warnings:
            table.add_row("warning", clean(warning))
    console.print(table)


def measure(name: str, value: float | None, sign: str = "") -> str:
    """A value of a gate's condition, as its kind is written."""
    if value is None:
        return "not finite"
    form = {"max_perplexity_increase": ".2%", "max_perplexity": ".2f"}.get(name, ".4f")
    return f"{value:{sign}{form}}"


def _met(condition: Condition) -> str:
    measured, limit = (measure(condition.name, value) for value in (condition.measured, condition.limit))
    margin = measure(condition.name, condition.margin, "+")
    passed = "passed" if condition.passed else "missed"
    return f"{condition.name} {passed}: {measured}, limit {limit}, margin {margin}"


def _standing(job: Job) -> str:
    if job.ended or job.progress is None:
        return clean(job.state)
    step = f" {job.progress.step}/{job.progress.steps}" if job.progress.steps else ""
    return f"{clean(job.state)} ({clean(job.progress.stage)}{step})"


def change(perplexity: Perplexity) -> str:
    """`14.37 → 25.94 (+80.5%)`."""
    dense, pruned = (
        "not finite" if value is None else f"{value:.2f}" for value in (perplexity.dense, perplexity.pruned)
    )
    if perplexity.dense is None or perplexity.pruned is None:
        return f"{dense} → {pruned}"
    return f"{dense} → {pruned} ({perplexity.pruned / perplexity.dense - 1:+.1%})"
