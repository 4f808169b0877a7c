"""The sparsest model within a bound on its perplexity, compared with a grid around the search's answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.search.service import Stack
from jobs.spec.gate import GateState
from jobs.tables import Job

_DIGITS = 4


@dataclass(frozen=True)
class Probe:
    """One job of a sweep: its sparsity and its results."""

    sparsity: float
    dense: float
    pruned: float
    cut_short: bool
    met: bool
    computed_gradients: bool  # otherwise they came from the cache
    measured_dense: bool  # otherwise the dense perplexity came from the cache
    seconds: float

    @classmethod
    def of(cls, job: Job) -> "Probe":
        """Read a job that has succeeded."""
        report = job.report
        assert report is not None, job.error
        perplexity = report["perplexity"]
        return cls(
            sparsity=job.sparsity,
            dense=perplexity["dense"],
            pruned=perplexity["pruned"],
            cut_short=perplexity["cut_short"],
            met=job.gate_state == GateState.PASSED,
            computed_gradients=not report["gradients_reused"],
            measured_dense=not report["dense_perplexity_reused"],
            seconds=sum(stage["seconds"] for stage in report["stages"]),
        )


def compare(service: Stack, job: dict[str, Any], options: Any, console: Console) -> None:  # noqa: ANN401 - argparse's
    """Search, run the grid, print both."""
    bound = {"max_perplexity_increase": options.increase}
    _, jobs = service.run_sweep({"job": job, "target": {**bound, "tolerance": options.tolerance}})
    search = [Probe.of(job) for job in jobs]
    console.print(_table(search, f"search: at most {options.increase:.1%} over the dense model"))
    answer = max(probe.sparsity for probe in search if probe.met)
    same = {**job, "gate": bound, "stop_when_missed": True}
    sparsities = _around(answer, options.step, options.reach)
    _, jobs = service.run_sweep({"job": same, "vary": {"sparsity": sparsities}})
    grid = [Probe.of(job) for job in jobs]
    console.print(_table(grid, f"grid in steps of {options.step:g}"))
    every = search + grid
    best = max((probe.sparsity for probe in grid if probe.met), default=0.0)
    console.print(
        f"the search's answer {answer:.4f} lies {best - answer:.4f} below the best on the grid, {best:.4f}; "
        f"gradients were computed {sum(job.computed_gradients for job in every)} time(s), the dense model "
        f"measured {sum(job.measured_dense for job in every)} time(s), in {len(every)} jobs"
    )


def _around(answer: float, step: float, reach: float) -> list[float]:
    """Return the multiples of `step` within `reach` of the answer and within (0, 1)."""
    first, last = (round((answer + side * reach) / step) for side in (-1, 1))
    return [round(n * step, _DIGITS) for n in range(first, last + 1) if 0 < n * step < 1]


def _table(probes: Sequence[Probe], title: str) -> Table:
    """Return a table with a line per job."""
    columns = ("sparsity", "perplexity", "increase", "bound", "gradients", "dense model", "seconds")
    lines = Table(*columns, title=title)
    for probe in probes:
        at_least = "at least " if probe.cut_short else ""
        lines.add_row(
            f"{probe.sparsity:.4f}",
            f"{at_least}{probe.pruned:.3f}",
            f"{at_least}{probe.pruned / probe.dense - 1:.2%}",
            "met" if probe.met else "missed",
            "computed" if probe.computed_gradients else "reused",
            "measured" if probe.measured_dense else "reused",
            f"{probe.seconds:.0f}",
        )
    return lines
