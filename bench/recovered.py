"""Measures what a recovery adds to pruning: perplexity before and after, and its price.

    make bench-recovered                       # all rows; those that are there are not run again
    make bench-recovered ARGS="--rows 2:4"     # rows whose name contains '2:4'
    make bench-recovered ARGS="--tokens 2048"  # a short trial, whose rows are kept apart
    make bench-second                          # five methods on a second model, Gemma 3 270M

SmolLM2-135M where no other model is named, 16 calibration windows of 512 tokens (48 for smaller models; two
rows have 128, half as many tokens as a recovery), perplexity over 24 windows of 512 tokens of other articles.
A recovery trains on 131,072 tokens of the calibration articles, once. Each row is a whole run in a process of
its own, and a file of JSON: the recipe, the commit, the seconds of each stage, and what was measured.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.quality import WITHOUT_RIDGE
from bench.results.rows import RESULTS, add_row_options, read_or_run, run_or_print
from bench.workload.subject import Subject, add_options, second_subject, subject
from pruning.pipeline.run import RunRequest, run
from pruning.recipe import Recipe

TOKENS = 131_072

_HALF, _TWO_OF_FOUR, _SEVENTY = {"sparsity": 0.5}, {"pattern": "2:4"}, {"sparsity": 0.7}
_BEST, _WANDA, _GBLM = {"method": "best"}, {"method": "wanda"}, {"method": "gblm"}
_WITHOUT_RIDGE: dict[str, Any] = {**WITHOUT_RIDGE, "allocation": {"name": "gradient", "band": 0.35}}
# As the preset `recovered`.
_DISTIL: dict[str, Any] = {"distil": {}}


@dataclass(frozen=True)
class Row:
    """One row of the table: a recipe without model, calibration and the tokens of its recovery."""

    name: str
    recipe: dict[str, Any]
    samples: int = 16


def _rows() -> Iterator[Row]:
    for share, pattern in (("50 %", _HALF), ("2:4", _TWO_OF_FOUR), ("70 %", _SEVENTY)):
        yield Row(f"{share} best", {**_BEST, **pattern})
        yield Row(f"{share} best, distil", {**_BEST, **pattern, "recovery": _DISTIL})
    yield Row("50 % best, 128 windows", {**_BEST, **_HALF}, samples=128)
    yield Row("50 % best without a ridge, 128 windows", {**_WITHOUT_RIDGE, **_HALF}, samples=128)
    yield Row("50 % best, 128 windows, distil", {**_BEST, **_HALF, "recovery": _DISTIL}, samples=128)
    yield Row("50 % wanda", {**_WANDA, **_HALF})
    yield Row("50 % wanda, distil", {**_WANDA, **_HALF, "recovery": _DISTIL})
    yield Row("50 % gblm", {**_GBLM, **_HALF})
    yield Row("50 % gblm, distil", {**_GBLM, **_HALF, "recovery": _DISTIL})
    for name, cut in (
        ("a quarter of the channels", {"mlp_channels": 0.25}),
        ("a third of the parameters", {"parameters": 1 / 3}),
    ):
        yield Row(f"{name}, distil", {"structure": cut, "recovery": _DISTIL}, samples=48)


ROWS = tuple(_rows())

# Of the second model: each method shall be better than the one before it.
SECOND = (
    Row("50 % gblm", {**_GBLM, **_HALF}),
    Row("50 % sparsegpt", {"method": "sparsegpt", **_HALF}),
    Row("50 % admm, refit", {"method": "admm", "refit": True, **_HALF}),
    Row("50 % best", {**_BEST, **_HALF}),
    Row("50 % best, distil", {**_BEST, **_HALF, "recovery": _DISTIL}),
)

TABLES = {"recovered": ROWS, "second": SECOND}


def recipe_of(row: Row, workload: Subject, *, tokens: int, dtype: str) -> Recipe:
    """Return the whole recipe of a row."""
    fields = {"model": workload.reference, "calibration": workload.calibration, "dtype": dtype, **row.recipe}
    recovery = dict(fields.get("recovery", {}))
    if "distil" in recovery:
        recovery["distil"] = {**recovery["distil"], "tokens": tokens}
    return Recipe.model_validate(fields | ({"recovery": recovery} if recovery else {}))


def measure(row: Row, workload: Subject, options: argparse.Namespace) -> dict[str, Any]:
    """Run a row's recipe, and return what its file holds."""
    recipe = recipe_of(row, workload, tokens=options.tokens, dtype=options.dtype)
    with TemporaryDirectory() as directory:
        report = run(RunRequest(recipe, workload.request, Path(directory) / "out"))
    return {
        "perplexity": {"dense": report.perplexity.dense, "pruned": report.perplexity.pruned},
        "sparsity": report.sparsity.overall,
        "seconds": {stage.name.value: round(stage.seconds, 1) for stage in report.stages},
        "recovery": report.recovery.model_dump(mode="json") if report.recovery else None,
        "recipe": recipe.model_dump(mode="json"),
        "environment": report.environment.model_dump(mode="json"),
    }


def _lines(rows: list[Row], results: Path) -> Iterator[str]:
    yield "| | perplexity | held-out loss | prune, s | recover, s |"
    yield "| --- | --- | --- | --- | --- |"
    for found in read_or_run("bench.recovered", [row.name for row in rows], results):
        distil = (found["recovery"] or {}).get("distil")
        loss = ""
        if distil:
            points = {point["step"]: point["held_out_loss"] for point in distil["curve"]}
            loss = f"{points[0]:.4f} → {points[distil['kept_step']]:.4f}"
        seconds = found["seconds"]
        recover = f"{seconds['recover']:.0f}" if "recover" in seconds else ""
        measured = found["perplexity"]["pruned"]
        yield f"| {found['row']} | {measured:.2f} | {loss} | {seconds['prune']:.0f} | {recover} |"


def main() -> None:
    """Print the table, after running the rows whose files are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.recovered", description=__doc__.splitlines()[0])
    add_row_options(parser)
    parser.add_argument("--tokens", type=int, default=TOKENS, help="of the text, to train on")
    parser.add_argument("--dtype", default="auto", help="of the computation (default: the machine's fastest)")
    parser.add_argument("--second", action="store_true", help="rows of the second model, Gemma 3 270M")
    add_options(parser)
    options = parser.parse_args()
    name, of_model = ("second", second_subject) if options.second else ("recovered", subject)
    trial = options.tokens != TOKENS
    results = Path(".bench") / f"{name}-{options.tokens}" if trial else RESULTS / name

    def run(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        workload = of_model(options, row.samples)
        return measure(row, workload, options), workload.places

    run_or_print(TABLES[name], options, parser, results, run=run, lines=_lines)


if __name__ == "__main__":
    main()
