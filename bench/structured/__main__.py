"""Measures structured pruning: parameters, perplexity and tokens per second against the dense model.

    make bench-structured                          # all rows; those that are there are not run again
    make bench-structured ARGS="--rows quarter"    # rows whose name contains 'quarter'
    make bench-structured ARGS="--held-out"        # the same on held-out windows, in files of their own
    make bench-structured ARGS="--second"          # the same on a second model, Gemma 3 270M

SmolLM2-135M in float32 (Gemma: bfloat16), windows of 512 tokens, perplexity over the windows of `make
bench-quality`. Each row runs in a process of its own, and is a file of JSON: the recipe, the commit, the
seconds, and what was measured. Speeds are of the forward pass over 512 tokens (prefill) and of a token after
128 others (decode), medians of pairs in which dense and smaller model take turns, compared with what the
removed operations and bytes would give.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bench.results.rows import RESULTS, add_row_options, read_or_run, run_or_print
from bench.results.table import header, row_of
from bench.structured.cut import CutMeasurement
from bench.structured.rows import ROWS, Row
from bench.structured.speed import speeds
from bench.workload.subject import Subject, add_options, ignore_steps, second_subject, subject
from pruning.evaluation.perplexity import perplexity
from pruning.recipe import Recipe


def measure(row: Row, workload: Subject, evaluation: torch.Tensor, dtype: str) -> dict[str, Any]:
    """Return what the file of a row holds.

    `evaluation`: the windows to measure perplexity on. `dtype`: of the computation.
    """
    threads = {"threads": torch.get_num_threads()}
    if row.recipe is None:
        model = workload.dense(getattr(torch, dtype))
        parameters = sum(parameter.numel() for parameter in model.parameters())
        found = {"parameters": parameters, "perplexity": perplexity(model, evaluation, step=ignore_steps)}
        return {**found, "recipe": None, **threads}
    fields = {"model": workload.reference, "calibration": workload.calibration, "dtype": dtype}
    recipe = Recipe.model_validate({**fields, **row.recipe})
    assert recipe.structure is not None
    if row.speed:
        found = speeds(recipe.structure, workload)
    else:
        with TemporaryDirectory() as scratch:
            cut = CutMeasurement(
                recipe.structure, workload, evaluation, rival=row.rival, dtype=getattr(torch, dtype)
            )
            found = cut.run(Path(scratch))
    return {**found, "recipe": recipe.model_dump(mode="json"), **threads}


def _lines(rows: list[Row], results: Path) -> Iterator[str]:
    """Yield the table in Markdown, line by line as rows finish."""
    yield from header("", "parameters", "perplexity", "seconds", "prefill, decode (work that went)")
    for found in read_or_run("bench.structured", [row.name for row in rows], results):
        measured = f"{found['perplexity']:.2f}" if "perplexity" in found else ""
        seconds = " + ".join(f"{of_part:.0f}" for of_part in found.get("seconds", {}).values())
        speed = ""
        if "prefill" in found:
            prefill, decode = found["prefill"], found["decode"]
            speed = (
                f"{prefill['speedup']:.2f} ({prefill['of the operations']:.2f}), "
                f"{decode['speedup']:.2f} ({decode['of the bytes']:.2f})"
            )
        yield row_of([found["row"], f"{found['parameters'] / 1e6:.1f} M", measured, seconds, speed])


def main() -> None:
    """Print the table, after running the rows whose files are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.structured", description=__doc__.splitlines()[0])
    add_row_options(parser)
    parser.add_argument("--held-out", action="store_true", help="measure on held-out calibration articles")
    parser.add_argument("--second", action="store_true", help="rows of the second model, Gemma 3 270M")
    add_options(parser)
    options = parser.parse_args()
    name = "structured-held-out" if options.held_out else "structured"
    results = RESULTS / (f"{name}-second" if options.second else name)
    of_model = second_subject if options.second else subject

    def run(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        workload = of_model(options, row.samples)
        evaluation = workload.held_out if options.held_out else workload.evaluation
        # The second model's vocabulary is five times as large: half the time in 16 bits.
        dtype = "bfloat16" if options.second else "float32"
        return measure(row, workload, evaluation, dtype), workload.places

    run_or_print(ROWS, options, parser, results, run=run, lines=_lines)


if __name__ == "__main__":
    main()
