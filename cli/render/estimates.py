"""An estimate as a table."""

from rich.console import Console
from rich.table import Table

from cli.terminal import clean, duration, size
from pruneserve_client.models import ClassEstimate, Estimate

_NUMBERS = ("time", "peak memory", "operations")


def print_estimate(console: Console, estimate: Estimate) -> None:
    """Print what a job would take, stage by stage."""
    model, machine = estimate.model, estimate.machine
    console.print(
        f"{clean(model.architecture)}, {model.parameters / 1e6:,.0f} M parameters, {model.blocks} blocks"
    )
    schedule = f", gradients {clean(estimate.schedule)}" if estimate.schedule else ""
    console.print(f"on {clean(machine.device)} in {clean(estimate.dtype)}{schedule}")
    table = Table("stage", *_NUMBERS, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for stage in estimate.stages:
        table.add_row(
            clean(stage.name),
            duration(stage.seconds),
            size(stage.memory_bytes) if stage.memory_bytes else "",
            f"{stage.operations:.1e}" if stage.operations else "",
        )
    table.add_row("all", duration(estimate.seconds), size(estimate.memory_bytes), "")
    console.print(table)
    console.print(f"the pruned model takes {size(estimate.output_bytes)}")
    for of_class in estimate.classes:
        console.print(f"class {clean(of_class.worker_class)}: {_in_class(of_class, estimate.worker_class)}")
    for note in estimate.notes:
        console.print(f"note: {clean(note)}")


def _in_class(found: ClassEstimate, chosen: str | None) -> str:
    """Say whether the job fits a class of workers, and how long it takes there."""
    if found.missing is not None:
        return f"does not fit: the job needs {clean(found.missing)}"
    takes = "fits" if found.seconds is None else f"fits, {duration(found.seconds)}"
    return f"{takes}; the job would run here" if found.worker_class == chosen else takes
