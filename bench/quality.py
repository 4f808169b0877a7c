"""Measures perplexity after pruning: the tables of docs/methods.md.

    make bench-quality                                  # all rows; those that are there are not run again
    make bench-quality ARGS="--rows wanda"              # rows whose name contains 'wanda'
    make bench-quality ARGS="--table recovered"         # another table, of those in TABLES

SmolLM2-135M (`second`: Gemma 3 270M), 16 calibration windows of 512 tokens where a row does not say another
number, perplexity over 24 windows of 512 tokens of other articles. `mixture`: SmolLM2-135M with its MLPs
split into experts, windows of 256 tokens, and perplexity over 16 of them. `structured`: in float32. Each
row runs in a process of its own, and is a file of JSON: the recipe, the commit, the seconds, and what was
measured.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bench.rows import RESULTS, add_row_options, header, row_of, run_or_print
from bench.workload.models import ignore_steps, perplexity
from bench.workload.subject import GEMMA, Subject, add_options, mixture_subject, packed_subject, subject
from pruning.calibration.gradient_pass import gradient_norms
from pruning.calibration.window_norms import GradientNorms
from pruning.methods.prune_blocks import prune
from pruning.pipeline.run import RunRequest, run
from pruning.recipe import Recipe

HALF: dict[str, Any] = {"sparsity": 0.5}
TWO_OF_FOUR: dict[str, Any] = {"pattern": "2:4"}
SEVENTY: dict[str, Any] = {"sparsity": 0.7}


@dataclass(frozen=True)
class Row:
    """One row of a table: a recipe without model and calibration, and the calibration windows."""

    name: str
    recipe: dict[str, Any] | None  # None: the dense model
    samples: int = 16


def _by_layer(band: float) -> dict[str, Any]:
    return {"allocation": {"name": "gradient", "band": band}}


REFIT = {"refit": True}
L2 = {"method": {"name": "gblm", "norm": "l2"}}
GBLM = {"method": "gblm"}
WANDA = {"method": "wanda"}
ADMM = {"method": "admm"}
SWAPS = {"swaps": 1000}
DISTIL: dict[str, Any] = {"recovery": {"distil": {}}}  # as the preset `recovered`
PERMUTE = {**TWO_OF_FOUR, "permute": True}
# What `best` stood for before it had a ridge, but for the allocation.
WITHOUT_RIDGE = {**ADMM, "refit": {"toward": 0.5, "iterations": 8}, "order": "layers"}

DENSE = Row("dense", None)

ROWS = (
    DENSE,
    Row("50 % best", {"method": "best", **HALF}),
    Row("50 % gblm", {**GBLM, **HALF}),
    Row("50 % gblm l2", {**L2, **HALF}),
    Row("50 % wanda", {**WANDA, **HALF}),
    Row("50 % sparsegpt", {"method": "sparsegpt", **HALF}),
    Row("50 % magnitude", {"method": "magnitude", **HALF}),
    Row("50 % gradient", {"method": "gradient", **HALF}),
    Row("50 % ria", {"method": "ria", **HALF}),
    Row("50 % wanda, owl", {**WANDA, "allocation": "owl", **HALF}),
    Row("50 % gblm, gradient allocation 0.25", {**GBLM, **_by_layer(0.25), **HALF}),
    Row("50 % gblm, swaps, gradient allocation 0.25", {**GBLM, **SWAPS, **_by_layer(0.25), **HALF}),
    Row("50 % gblm, refit", {**GBLM, **REFIT, **HALF}),
    Row("50 % wanda, refit", {**WANDA, **REFIT, **HALF}),
    Row("50 % gblm, refit, gradient allocation 0.25", {**GBLM, **REFIT, **_by_layer(0.25), **HALF}),
    Row("50 % gblm, refit, gradient allocation 0.35", {**GBLM, **REFIT, **_by_layer(0.35), **HALF}),
    Row("50 % admm, refit", {**ADMM, **REFIT, **HALF}),
    Row("50 % admm, refit, gradient allocation 0.25", {**ADMM, **REFIT, **_by_layer(0.25), **HALF}),
    Row("2:4 best", {"method": "best", **TWO_OF_FOUR}),
    Row("2:4 wanda", {**WANDA, **TWO_OF_FOUR}),
    Row("2:4 gblm", {**GBLM, **TWO_OF_FOUR}),
    Row("2:4 wanda, permute", {**WANDA, **PERMUTE}),
    Row("2:4 gblm, permute", {**GBLM, **PERMUTE}),
    Row("2:4 best without a ridge, permute", {**WITHOUT_RIDGE, **PERMUTE}),
    Row("2:4 sparsegpt", {"method": "sparsegpt", **TWO_OF_FOUR}),
    Row("2:4 gblm, refit", {**GBLM, **REFIT, **TWO_OF_FOUR}),
    Row("2:4 admm, refit", {**ADMM, **REFIT, **TWO_OF_FOUR}),
    Row("4:8 gblm", {**GBLM, "pattern": "4:8"}),
    Row("70 % best", {"method": "best", **SEVENTY}),
    Row("70 % wanda", {**WANDA, **SEVENTY}),
    Row("70 % gblm", {**GBLM, **SEVENTY}),
    Row("70 % sparsegpt", {"method": "sparsegpt", **SEVENTY}),
)


def _windows() -> Iterator[Row]:
    named = {row.name: row for row in ROWS}
    for row in (named[f"50 % {name}"] for name in ("gblm", "sparsegpt", "best")):
        yield row
        for samples in (32, 64):
            yield Row(f"{row.name}, {samples} windows", row.recipe, samples=samples)


def _recovered() -> Iterator[Row]:
    for share, pattern in (("50 %", HALF), ("2:4", TWO_OF_FOUR), ("70 %", SEVENTY)):
        yield Row(f"{share} best", {"method": "best", **pattern})
        yield Row(f"{share} best, distil", {"method": "best", **pattern, **DISTIL})


# On a second model: each method shall be better than the one before it.
SECOND = (
    Row("50 % gblm", {**GBLM, **HALF}),
    Row("50 % sparsegpt", {"method": "sparsegpt", **HALF}),
    Row("50 % admm, refit", {**ADMM, **REFIT, **HALF}),
    Row("50 % best", {"method": "best", **HALF}),
    Row("50 % best, distil", {"method": "best", **HALF, **DISTIL}),
)


# Of a mixture in which each token goes to 10 of 16 experts.
_FEWER_EXPERTS = {"structure": {"experts": 0.25}}
MIXTURE = (Row("25 % of the experts", _FEWER_EXPERTS, samples=4),)

STRUCTURED = tuple(
    Row(f"{share:.0%} of the parameters", {"structure": {"parameters": share}, "dtype": "float32"})
    for share in (0.2, 0.3, 0.5)
)


@dataclass(frozen=True)
class Table:
    """Rows, the folder of their files, and how they are measured."""

    rows: tuple[Row, ...]
    folder: str
    whole_runs: bool = False  # as jobs, by default in the machine's fastest dtype; or in memory and float32


TABLES = {
    "quality": Table(ROWS, "quality"),
    "windows": Table(tuple(_windows()), "quality"),  # with 16 windows, a row is that of the whole table
    "recovered": Table(tuple(_recovered()), "recovered", whole_runs=True),
    "mixture": Table(MIXTURE, "mixture", whole_runs=True),
    "second": Table(SECOND, "second", whole_runs=True),
    "structured": Table(STRUCTURED, "structured", whole_runs=True),
}


def measure_in_memory(row: Row, workload: Subject) -> dict[str, Any]:
    """Prune by a row's recipe, and return what its file holds."""
    model, seconds = workload.dense(), dict[str, float]()
    found: dict[str, Any] = {"recipe": None, "sparsity": 0.0}
    if row.recipe is not None:
        recipe = _recipe(row.recipe, workload, "float32")
        started = time.perf_counter()
        gradients: GradientNorms = {}
        if recipe.gradient_norms:
            gradients = gradient_norms(
                model, workload.windows, norms=recipe.gradient_norms, step=ignore_steps
            )
            seconds["gradients"] = time.perf_counter() - started
            started = time.perf_counter()
        pruned = prune(model, recipe, workload.windows, gradients, step=ignore_steps)
        seconds["prune"] = time.perf_counter() - started
        found = {"recipe": recipe.model_dump(mode="json"), "sparsity": pruned.sparsity}
    return {
        "perplexity": perplexity(model, workload.evaluation, step=ignore_steps),
        **found,
        "seconds": {name: round(of_step, 1) for name, of_step in seconds.items()},
        "threads": torch.get_num_threads(),
    }


def measure_whole_run(row: Row, workload: Subject) -> dict[str, Any]:
    """Run a row's recipe as a job does, and return what its file holds."""
    recipe = _recipe(row.recipe or {}, workload, "auto")
    with TemporaryDirectory() as directory:
        report = run(RunRequest(recipe, workload.request, Path(directory) / "out"))
    return {
        "perplexity": {"dense": report.perplexity.dense, "pruned": report.perplexity.pruned},
        "kl": report.perplexity.kl,
        "sparsity": report.sparsity.overall,
        "parameters": report.structure.parameters if report.structure else None,
        "seconds": {stage.name.value: round(stage.seconds, 1) for stage in report.stages},
        "recovery": report.recovery.model_dump(mode="json") if report.recovery else None,
        "recipe": recipe.model_dump(mode="json"),
        "environment": report.environment.model_dump(mode="json"),
    }


def _recipe(fields: dict[str, Any], workload: Subject, dtype: str) -> Recipe:
    common = {"model": workload.reference, "calibration": workload.calibration, "dtype": dtype}
    return Recipe.model_validate({**common, **fields})


def _lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the table in Markdown, line by line as rows finish."""
    yield from header("", "perplexity", "sparsity, or parameters", "seconds", "held-out loss")
    for found in rows:
        measured, distil = found["perplexity"], (found.get("recovery") or {}).get("distil")
        pruned = measured["pruned"] if isinstance(measured, dict) else measured
        seconds = ", ".join(f"{stage} {of_stage:.0f}" for stage, of_stage in found["seconds"].items())
        loss = ""
        if distil:
            points = {point["step"]: point["held_out_loss"] for point in distil["curve"]}
            loss = f"{points[0]:.4f} → {points[distil['kept_step']]:.4f}"
        parameters = found.get("parameters")
        size = f"{parameters / 1e6:.1f} M" if parameters else f"{found['sparsity']:.4%}"
        yield row_of([found["row"], f"{pruned:.2f}", size, seconds, loss])


def main() -> None:
    """Print the table, after running the rows whose files are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__.splitlines()[0])
    add_row_options(parser)
    parser.add_argument("--table", choices=TABLES, default="quality", help="default: quality")
    add_options(parser)
    options = parser.parse_args()
    table = TABLES[options.table]

    def measure(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        if options.table == "mixture":
            workload = mixture_subject(options, row.samples)
        elif options.table == "second":
            workload = packed_subject(options, GEMMA, row.samples)
        else:
            workload = subject(options, row.samples)
        found = (measure_whole_run if table.whole_runs else measure_in_memory)(row, workload)
        return found, workload.places

    folder = RESULTS / table.folder
    run_or_print("bench.quality", table.rows, options, folder, run=measure, lines=_lines)


if __name__ == "__main__":
    main()
