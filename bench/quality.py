"""Measures perplexity after pruning, method by method: the table of docs/methods.md.

    make bench-quality                      # all rows: an hour on 2 idle cores
    make bench-quality ARGS="--rows wanda"  # rows whose name contains 'wanda'
    make bench-quality ARGS="--held-out"    # the candidates for the preset `best`, on held-out articles

SmolLM2-135M in float32, 16 calibration windows of 512 tokens, perplexity over 24 windows of 512 tokens of
other articles. The gradients are computed once, for all rows.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bench.subject import Subject, add_options, ignore_steps, subject
from pruning.blockwise.prune import prune
from pruning.evaluation.perplexity import perplexity
from pruning.gradients.gradient_pass import gradient_norms
from pruning.gradients.window_norms import GradientNorms
from pruning.recipe import Recipe

HALF = {"sparsity": 0.5}
TWO_OF_FOUR = {"pattern": "2:4"}
SEVENTY = {"sparsity": 0.7}


@dataclass(frozen=True)
class Row:
    """One row of the table: a recipe, and the perplexity that a prototype measured for it, if any."""

    name: str
    recipe: dict[str, Any]
    prototype: float | None = None


def _by_layer(band: float) -> dict[str, Any]:
    return {"allocation": {"name": "gradient", "band": band}}


REFIT = {"refit": True}
L2 = {"method": {"name": "gblm", "norm": "l2"}}
GBLM = {"method": "gblm"}
WANDA = {"method": "wanda"}
ADMM = {"method": "admm"}

ROWS = (
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
    Row("50 % gblm, refit", {**GBLM, **REFIT, **HALF}, 55.1),
    Row("50 % wanda, refit", {**WANDA, **REFIT, **HALF}, 54.9),
    Row("50 % gblm, refit, gradient allocation 0.25", {**GBLM, **REFIT, **_by_layer(0.25), **HALF}, 48.8),
    Row("50 % gblm, refit, gradient allocation 0.35", {**GBLM, **REFIT, **_by_layer(0.35), **HALF}, 48.2),
    Row("50 % admm, refit", {**ADMM, **REFIT, **HALF}, 52.7),
    Row("50 % admm, refit, gradient allocation 0.25", {**ADMM, **REFIT, **_by_layer(0.25), **HALF}, 47.1),
    Row("2:4 best", {"method": "best", **TWO_OF_FOUR}, 97),
    Row("2:4 wanda", {**WANDA, **TWO_OF_FOUR}, 211),
    Row("2:4 gblm", {**GBLM, **TWO_OF_FOUR}, 203),
    Row("2:4 sparsegpt", {"method": "sparsegpt", **TWO_OF_FOUR}, 132),
    Row("2:4 gblm, refit", {**GBLM, **REFIT, **TWO_OF_FOUR}, 114),
    Row("2:4 admm, refit", {**ADMM, **REFIT, **TWO_OF_FOUR}, 97),
    Row("4:8 gblm", {**GBLM, "pattern": "4:8"}, 112),
    Row("70 % best", {"method": "best", **SEVENTY}),
    Row("70 % wanda", {**WANDA, **SEVENTY}),
    Row("70 % gblm", {**GBLM, **SEVENTY}),
    Row("70 % sparsegpt", {"method": "sparsegpt", **SEVENTY}),
)


def _candidate(name: str, toward: float, band: float, **options: Any) -> Row:  # noqa: ANN401 - a recipe's fields
    refit = {"toward": toward, "iterations": 8}
    return Row(name, {**ADMM, **HALF, **_by_layer(band), "refit": refit, "order": "layers", **options})


# Compared on held-out windows of the calibration articles, never on the evaluation text.
CANDIDATES = (
    _candidate("toward 0, band 0.25", 0, 0.25),
    _candidate("toward 0.5, band 0.25", 0.5, 0.25),
    _candidate("toward 0.3, band 0.35", 0.3, 0.35),
    _candidate("toward 0.5, band 0.35", 0.5, 0.35),
    _candidate("toward 0.7, band 0.35", 0.7, 0.35),
    _candidate("toward 0.5, band 0.45", 0.5, 0.45),
    _candidate("toward 0.5, 2:4", 0.5, 0, pattern="2:4", sparsity=None, allocation="uniform"),
    _candidate("toward 0.3, 2:4", 0.3, 0, pattern="2:4", sparsity=None, allocation="uniform"),
    _candidate("toward 0.5, band 0.25, 70 %", 0.5, 0.25, **SEVENTY),
    _candidate("toward 0.5, band 0.15, 70 %", 0.5, 0.15, **SEVENTY),
)


class Bench:
    """The workload, and its gradients once a row has needed them."""

    def __init__(self, subject: Subject, evaluation: Tensor) -> None:
        """`subject`: the workload. `evaluation`: the windows to measure perplexity on."""
        self.gradients: GradientNorms = {}
        self.gradient_seconds = 0.0
        self._subject = subject
        self._evaluation = evaluation

    def dense(self) -> float:
        """Return the dense model's perplexity."""
        return perplexity(self._subject.dense(), self._evaluation, step=ignore_steps)

    def measure(self, row: Row) -> tuple[float, float, float]:
        """Prune by a row's recipe; return perplexity, overall sparsity, and the seconds of pruning."""
        recipe = self._recipe(row)
        model = self._subject.dense()
        if recipe.gradient_norms and not self.gradients:
            started = time.perf_counter()
            self.gradients = gradient_norms(
                model, self._subject.windows, norms=("l1", "l2"), step=ignore_steps
            )
            self.gradient_seconds = time.perf_counter() - started
        started = time.perf_counter()
        pruned = prune(model, recipe, self._subject.windows, self.gradients, step=ignore_steps)
        seconds = time.perf_counter() - started
        return perplexity(model, self._evaluation, step=ignore_steps), pruned.sparsity, seconds

    def _recipe(self, row: Row) -> Recipe:
        fields = {
            "model": self._subject.reference,
            "calibration": self._subject.calibration,
            "dtype": "float32",
        }
        return Recipe.model_validate({**fields, **row.recipe})


def _lines(bench: Bench, rows: tuple[Row, ...]) -> Iterator[str]:
    """Yield the table in Markdown, line by line as rows finish."""
    yield "| | prototype | measured | sparsity | prune, s |"
    yield "| --- | --- | --- | --- | --- |"
    yield f"| dense | | {bench.dense():.2f} | 0 | 0 |"
    for row in rows:
        measured, sparsity, seconds = bench.measure(row)
        prototype = "" if row.prototype is None else f"{row.prototype:g}"
        yield f"| {row.name} | {prototype} | {measured:.2f} | {sparsity:.4%} | {seconds:.0f} |"
    if bench.gradients:
        yield f"\nThe gradients took {bench.gradient_seconds:.0f} s, once."


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows",
        nargs="+",
        default=[""],
        metavar="TEXT",
        help="only rows whose name contains one of these texts",
    )
    parser.add_argument(
        "--held-out",
        action="store_true",
        help="the candidates for `best`, on the held-out windows that it was chosen by",
    )
    add_options(parser)
    options = parser.parse_args()
    table = CANDIDATES if options.held_out else ROWS
    rows = tuple(row for row in table if any(text in row.name for text in options.rows))
    if not rows:
        parser.error("--rows matches no row; the rows are: " + "; ".join(row.name for row in table))
    workload = subject(options)
    evaluation = workload.held_out if options.held_out else workload.evaluation
    for line in _lines(Bench(workload, evaluation), rows):
        print(line, flush=True)


if __name__ == "__main__":
    main()
