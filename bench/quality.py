"""Measures perplexity after pruning, method by method: the table of docs/methods.md.

    make bench-quality                      # all rows; those that are there are not run again
    make bench-quality ARGS="--rows wanda"  # rows whose name contains 'wanda'
    make bench-quality ARGS="--held-out"    # the candidates for the preset `best`, on held-out articles
    make bench-windows                      # what 32, 64 and 128 calibration windows give compared with 16

SmolLM2-135M in float32 (held out: bfloat16), 16 calibration windows of 512 tokens where a row does not say
another number, perplexity over 24 windows of 512 tokens of other articles (held out: 16 windows). Each row
runs in a process of its own, and is a file of JSON: the recipe, the commit, the seconds, and what was
measured.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from bench.results.rows import RESULTS, add_row_options, read_or_run, run_or_print
from bench.results.table import header, row_of
from bench.workload.subject import Subject, add_options, ignore_steps, subject
from pruning.calibration.gradient_pass import gradient_norms
from pruning.calibration.window_norms import GradientNorms
from pruning.evaluation.perplexity import perplexity
from pruning.methods.prune_blocks import prune
from pruning.recipe import Recipe

HALF: dict[str, Any] = {"sparsity": 0.5}
TWO_OF_FOUR: dict[str, Any] = {"pattern": "2:4"}
SEVENTY: dict[str, Any] = {"sparsity": 0.7}


@dataclass(frozen=True)
class Row:
    """One row of the table: a recipe, and the perplexity that a prototype measured for it, if any."""

    name: str
    recipe: dict[str, Any] | None  # None: the dense model
    prototype: float | None = None
    samples: int = 16


def _by_layer(band: float) -> dict[str, Any]:
    return {"allocation": {"name": "gradient", "band": band}}


REFIT = {"refit": True}
L2 = {"method": {"name": "gblm", "norm": "l2"}}
GBLM = {"method": "gblm"}
WANDA = {"method": "wanda"}
ADMM = {"method": "admm"}
SWAPS = {"swaps": 1000}
PERMUTE = {**TWO_OF_FOUR, "permute": True}
# What `best` stood for before it had a ridge, but for the allocation.
WITHOUT_RIDGE = {**ADMM, "refit": {"toward": 0.5, "iterations": 8}, "order": "layers"}

DENSE = Row("dense", None, 26.8)

ROWS = (
    DENSE,
    Row("50 % best", {"method": "best", **HALF}, 47),
    Row("50 % gblm", {**GBLM, **HALF}, 63.3),
    Row("50 % gblm l2", {**L2, **HALF}, 63.1),
    Row("50 % wanda", {**WANDA, **HALF}, 63.5),
    Row("50 % sparsegpt", {"method": "sparsegpt", **HALF}, 60.1),
    Row("50 % magnitude", {"method": "magnitude", **HALF}, 494),
    Row("50 % gradient", {"method": "gradient", **HALF}, 69.9),
    Row("50 % ria", {"method": "ria", **HALF}, 63.8),
    Row("50 % wanda, owl", {**WANDA, "allocation": "owl", **HALF}),
    Row("50 % gblm, gradient allocation 0.25", {**GBLM, **_by_layer(0.25), **HALF}, 53.5),
    Row("50 % gblm, swaps, gradient allocation 0.25", {**GBLM, **SWAPS, **_by_layer(0.25), **HALF}),
    Row("50 % gblm, refit", {**GBLM, **REFIT, **HALF}, 55.1),
    Row("50 % wanda, refit", {**WANDA, **REFIT, **HALF}, 54.9),
    Row("50 % gblm, refit, gradient allocation 0.25", {**GBLM, **REFIT, **_by_layer(0.25), **HALF}, 48.8),
    Row("50 % gblm, refit, gradient allocation 0.35", {**GBLM, **REFIT, **_by_layer(0.35), **HALF}, 48.2),
    Row("50 % admm, refit", {**ADMM, **REFIT, **HALF}, 52.7),
    Row("50 % admm, refit, gradient allocation 0.25", {**ADMM, **REFIT, **_by_layer(0.25), **HALF}, 47.1),
    Row("2:4 best", {"method": "best", **TWO_OF_FOUR}, 97),
    Row("2:4 wanda", {**WANDA, **TWO_OF_FOUR}, 211),
    Row("2:4 gblm", {**GBLM, **TWO_OF_FOUR}, 203),
    Row("2:4 wanda, permute", {**WANDA, **PERMUTE}),
    Row("2:4 gblm, permute", {**GBLM, **PERMUTE}),
    Row("2:4 best, permute", {"method": "best", **PERMUTE}),
    Row("2:4 best without a ridge, permute", {**WITHOUT_RIDGE, **PERMUTE}),
    Row("2:4 sparsegpt", {"method": "sparsegpt", **TWO_OF_FOUR}, 132),
    Row("2:4 gblm, refit", {**GBLM, **REFIT, **TWO_OF_FOUR}, 114),
    Row("2:4 admm, refit", {**ADMM, **REFIT, **TWO_OF_FOUR}, 97),
    Row("4:8 gblm", {**GBLM, "pattern": "4:8"}, 112),
    Row("70 % best", {"method": "best", **SEVENTY}),
    Row("70 % wanda", {**WANDA, **SEVENTY}),
    Row("70 % gblm", {**GBLM, **SEVENTY}),
    Row("70 % sparsegpt", {"method": "sparsegpt", **SEVENTY}),
)


def _candidate(
    name: str,
    *,
    ridge: float,
    toward: float = 0.5,
    band: float = 0.35,
    samples: int = 16,
    **options: Any,  # noqa: ANN401 - a recipe's fields
) -> Row:
    spread = {} if "pattern" in options else {**HALF, **_by_layer(band)}
    method = {"name": "admm", "ridge": ridge}
    refit = {"toward": toward, "ridge": ridge, "iterations": 8}
    recipe = {"method": method, **spread, "refit": refit, "order": "layers", **options}
    return Row(name, recipe, samples=samples)


# Compared on held-out windows of the calibration articles, never on the evaluation text.
CANDIDATES = (
    *(_candidate(f"50 %, ridge {ridge}", ridge=ridge) for ridge in (0, 2, 4, 8)),
    *(_candidate(f"50 %, ridge 4, toward {toward}", ridge=4, toward=toward) for toward in (0.3, 0.7)),
    *(_candidate(f"50 %, ridge {ridge}, 64 windows", ridge=ridge, samples=64) for ridge in (0, 4)),
    *(_candidate(f"2:4, ridge {ridge}", ridge=ridge, **TWO_OF_FOUR) for ridge in (0, 4)),
    *(_candidate(f"70 %, ridge {ridge}", ridge=ridge, **SEVENTY) for ridge in (0, 4)),
    _candidate("70 %, ridge 4, band 0.2", ridge=4, band=0.2, **SEVENTY),
)


def _windows() -> Iterator[Row]:
    named = {row.name: row for row in ROWS}
    for row in (named[f"50 % {name}"] for name in ("gblm", "sparsegpt", "best")):
        yield row
        for samples in (32, 64, 128):
            yield Row(f"{row.name}, {samples} windows", row.recipe, samples=samples)


TABLES = {"quality": ROWS, "held-out": (DENSE, *CANDIDATES), "windows": tuple(_windows())}


def measure(row: Row, workload: Subject, evaluation: Tensor, dtype: str) -> dict[str, Any]:
    """Prune by a row's recipe, and return what its file holds.

    `evaluation`: the windows to measure perplexity on. `dtype`: of the computation.
    """
    model, seconds = workload.dense(getattr(torch, dtype)), dict[str, float]()
    found: dict[str, Any] = {"recipe": None, "sparsity": 0.0, "swap_reduction": None}
    if row.recipe is not None:
        fields = {"model": workload.reference, "calibration": workload.calibration, "dtype": dtype}
        recipe = Recipe.model_validate({**fields, **row.recipe})
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
        reductions = [layer.swap_reduction for layer in pruned.layers if layer.swap_reduction is not None]
        found = {
            "recipe": recipe.model_dump(mode="json"),
            "sparsity": pruned.sparsity,
            "swap_reduction": median(reductions) if reductions else None,
        }
    return {
        "perplexity": perplexity(model, evaluation, step=ignore_steps),
        **found,
        "seconds": {name: round(of_step, 1) for name, of_step in seconds.items()},
        "threads": torch.get_num_threads(),
    }


def _lines(rows: list[Row], results: Path) -> Iterator[str]:
    """Yield the table in Markdown, line by line as rows finish."""
    yield from header("", "prototype", "measured", "sparsity", "gradients, s", "prune, s")
    found = read_or_run("bench.quality", [row.name for row in rows], results)
    for row, measured in zip(rows, found, strict=True):
        seconds = [f"{measured['seconds'].get(stage, 0):.0f}" for stage in ("gradients", "prune")]
        prototype = "" if row.prototype is None else f"{row.prototype:g}"
        cells = [row.name, prototype, f"{measured['perplexity']:.2f}", f"{measured['sparsity']:.4%}"]
        yield row_of([*cells, *seconds])


def main() -> None:
    """Print the table, after running the rows whose files are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__.splitlines()[0])
    add_row_options(parser)
    parser.add_argument(
        "--held-out",
        action="store_true",
        help="the candidates for `best`, on the held-out windows that it was chosen by",
    )
    parser.add_argument("--windows", action="store_true", help="rows with 16 to 128 calibration windows")
    add_options(parser)
    options = parser.parse_args()
    name = "held-out" if options.held_out else "windows" if options.windows else "quality"
    # With 16 windows, the rows of `--windows` are those of the whole table.
    table, results = TABLES[name], RESULTS / ("held-out" if options.held_out else "quality")

    def run(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        workload = subject(options, row.samples)
        evaluation = workload.held_out if options.held_out else workload.evaluation
        dtype = "bfloat16" if options.held_out else "float32"
        return measure(row, workload, evaluation, dtype), workload.places

    run_or_print(table, options, parser, results, run=run, lines=_lines)


if __name__ == "__main__":
    main()
