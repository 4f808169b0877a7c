"""Progress and results on the console: bars on a terminal, plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

import rich.box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from pruning.byte_size import byte_size
from pruning.progress import Progress as ProgressProtocol
from pruning.recipe import Stage
from pruning.report import ExportFacts, Report


@contextmanager
def progress_on(console: Console) -> Iterator[ProgressProtocol]:
    """Show bars if `console` is a terminal, lines if it is a file or a pipe."""
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        yield Bars(bars)


class Bars:
    """A progress bar for the current stage, with the time left."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = TaskID(0)

    def stage_started(self, stage: Stage, steps: int) -> None:
        self._task = self._bars.add_task(stage, total=steps)

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        self._bars.update(self._task, completed=done, total=steps)

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        """Replace the bar by a line that stays."""
        self._bars.remove_task(self._task)
        self._bars.console.print(_cost_line(stage, seconds, peak_memory_bytes))


class Lines:
    """One line when a stage begins, at every tenth of it, and when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._done = 0

    def stage_started(self, stage: Stage, steps: int) -> None:
        self._done = 0
        self._console.print(f"{stage} ...")

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        """Print a line if another tenth is complete."""
        is_new, self._done = done > self._done, done
        if is_new and 10 * done // steps > 10 * (done - 1) // steps and done < steps:
            self._console.print(f"{stage} {done}/{steps}")

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        self._console.print(_cost_line(stage, seconds, peak_memory_bytes))


def _cost_line(stage: Stage, seconds: float, peak_memory_bytes: int) -> str:
    return f"{stage} took {seconds:.1f} s, {byte_size(peak_memory_bytes)}"


def _export_line(export: ExportFacts) -> str:
    kl = "" if export.kl is None else f", KL {export.kl:.4f}"
    rates = "".join(
        f"; {rate.phase} {rate.tokens_per_second:.4g}/s, dense {rate.dense:.4g} (noise {rate.noise:.0%})"
        for rate in export.rates
    )
    size = f"{byte_size(export.bytes)}, dense {byte_size(export.dense_bytes)}"
    quality = f"perplexity {export.perplexity:.3f}, dense {export.dense_perplexity:.3f}{kl}"
    return f"{size}; {quality}{rates}; by {export.evaluator}"


def _domains_and_tasks(report: Report) -> Iterator[tuple[str, str]]:
    for name, text in report.domains.items():
        kl = "" if text.kl is None else f", KL {text.kl:.4f}"
        change = f"{text.pruned:.3f}, dense {text.dense:.3f} ({text.increase:+.1%})"
        yield f"perplexity, {name}", change + kl
    for score in report.zero_shot.scores if report.zero_shot else ():
        yield f"{score.task}, {score.metric}", f"{score.dense:.3f}, pruned {score.pruned:.3f}"


def result_table(report: Report) -> Table:
    """Return a table of the results and costs of a run."""
    table = Table(box=rich.box.SIMPLE, show_header=False)
    perplexity = report.perplexity
    table.add_row("perplexity, dense", f"{perplexity.dense:.3f}")
    found = perplexity.intervals
    spread = f" ± {found.perplexity.margin()}" if found else ""
    table.add_row("perplexity, pruned", f"{perplexity.pruned:.3f}{spread} ({perplexity.increase:+.1%})")
    if perplexity.kl is not None and perplexity.agreement is not None:
        table.add_row("KL(dense ‖ pruned)", f"{perplexity.kl:.4f} nats per token")
        table.add_row("agreement with dense", f"{perplexity.agreement:.1%} of the tokens")
    for row in _domains_and_tasks(report):
        table.add_row(*row)
    if report.structure is not None:
        table.add_row("left", report.structure.left)
        facts = report.structure
        table.add_row("parameters", f"{facts.parameters:,} of {facts.dense_parameters:,}")
    if report.recipe.masks:
        table.add_row("sparsity", f"{report.sparsity.overall:.2%} of {len(report.sparsity.layers)} layers")
    if report.recovery:
        training = report.recovery.distil
        kept = f"step {training.kept_step} of {training.steps}" if training.kept_step else "nothing kept"
        held_out = f"held-out loss {training.before:.4f} to {training.after:.4f}"
        table.add_row("trained", f"{training.tokens} tokens, {kept}, {held_out}")
    for rate in report.speed.rates if report.speed else ():
        speedup = f"{rate.speedup:.2f} times" if rate.is_measurable else "not measurable"
        speed = f"{rate.pruned:.4g} tokens/s, dense {rate.dense:.4g}, {speedup} (noise {rate.noise:.1%})"
        table.add_row(f"{rate.phase}, {rate.batch} at a time", speed)
    for export in report.exports:
        table.add_row(export.path, _export_line(export))
    for stage in report.stages:
        table.add_row(stage.name, f"{stage.seconds:.1f} s, peak {byte_size(stage.peak_memory_bytes)}")
    return table
