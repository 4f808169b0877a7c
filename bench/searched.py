"""Measures what a search of the layers' sparsities adds to the preset `best`, compared with twice the text.

    make bench-searched                      # all rows; those that are there are not run again
    make bench-searched ARGS="--rows 50"     # rows whose name contains '50'

SmolLM2-135M, 16 or 32 calibration windows of 512 tokens, perplexity over 24 windows of 512 tokens of other
articles than those that are calibrated and searched on. Each row is a whole run in a process of its own, and
a file of JSON, as in `bench.recovered`.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.recovered import TOKENS, Row, measure
from bench.results.rows import RESULTS, add_row_options, read_or_run, run_or_print
from bench.workload.subject import add_options, subject
from pruning.recipe.presets import expand_preset

# The best of gradient allocation at each sparsity. That of the preset is 0.35.
_BANDS = {0.5: 0.35, 0.7: 0.2}


def _best(sparsity: float, samples: int, allocation: str) -> dict[str, Any]:
    """Return the preset's options for so many windows, spelled out, with another allocation."""
    calibration = {"samples": samples, "sequence_length": 512}
    found = expand_preset({"method": "best", "sparsity": sparsity, "calibration": calibration})
    options = {name: value for name, value in found.items() if name != "calibration"}
    return {**options, "allocation": {"name": allocation, "band": _BANDS[sparsity]}}


def _rows() -> Iterator[Row]:
    for sparsity in _BANDS:
        for samples in (16, 32):
            name = f"{sparsity:.0%} best, {samples} windows"
            yield Row(name, _best(sparsity, samples, "gradient"), samples)
            yield Row(f"{name}, searched", _best(sparsity, samples, "search"), samples)


ROWS = tuple(_rows())


def _lines(rows: list[Row], results: Path) -> Iterator[str]:
    yield "| | perplexity | seconds of all stages |"
    yield "| --- | --- | --- |"
    for found in read_or_run("bench.searched", [row.name for row in rows], results):
        perplexity, seconds = found["perplexity"]["pruned"], sum(found["seconds"].values())
        yield f"| {found['row']} | {perplexity:.2f} | {seconds:.0f} |"


def main() -> None:
    """Print the table, after running the rows whose files are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.searched", description=__doc__.splitlines()[0])
    add_row_options(parser)
    add_options(parser)
    parser.set_defaults(tokens=TOKENS, dtype="auto")
    options = parser.parse_args()

    def run(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        workload = subject(options, row.samples)
        return measure(row, workload, options), workload.places

    run_or_print(ROWS, options, parser, RESULTS / "searched", run=run, lines=_lines)


if __name__ == "__main__":
    main()
