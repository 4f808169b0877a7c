"""Measures pruning and quantisation next to llm-compressor: the tables of docs/performance.md.

    make bench-baselines                          # all rows; those that are there are not run again
    make bench-baselines ARGS="--rows GPTQ"       # rows whose name contains 'GPTQ'

SmolLM2-135M, computed in float32 on 16 windows of 512 tokens, which both libraries get as the same token ids.
They take turns, each time in a process of its own with as many threads. Both checkpoints are measured by our
evaluator in float32, over the windows of `make bench-quality`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from bench.rows import RESULTS, add_row_options, header, row_of, run_or_print
from bench.workload.models import ModelChoice, ignore_steps, perplexity
from bench.workload.subject import Subject, add_options, subject
from pruning.exports.compressed_tensors import load_export
from pruning.models.blocks import find_stack

_TURNS = 3
_CHECKOUT = Path(__file__).parents[2]
PYTHON = {"ours": Path(sys.executable), "theirs": _CHECKOUT / "build/baselines/bin/python"}
"""Of each side's environment. The latter is made by `make bench-baselines`."""


@dataclass(frozen=True)
class Row:
    """A method that both libraries have."""

    name: str
    method: str  # of `bench.baselines.compress`


ROWS = (
    Row("Wanda 50 %", "wanda"),
    Row("SparseGPT 50 %", "sparsegpt"),
    Row("GPTQ W4A16", "gptq"),
)


def measure(row: Row, workload: Subject) -> dict[str, Any]:
    """Return what the file of a row holds."""
    scratch = workload.texts.parent / "baselines" / row.method
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in PYTHON}
    for turn in range(_TURNS):
        for side, found in take_turn(turn, row, workload, scratch).items():
            runs[side].append(found)
    models = {side: _load(scratch / side, quantised=row.method == "gptq") for side in PYTHON}
    dense = workload.dense()
    found = {
        "sides": {
            side: {
                "runs": runs[side],
                "perplexity": perplexity(model, workload.evaluation, step=ignore_steps),
                **zeros(model, dense),
            }
            for side, model in models.items()
        },
        "zeros_in_common": _zeros_in_common(*models.values()),
    }
    shutil.rmtree(scratch)
    return found


def take_turn(turn: int, row: Row, workload: Subject, scratch: Path) -> dict[str, dict[str, Any]]:
    """Run each side once, and return what it prints.

    `scratch`: what it has of an interrupted row is not run again.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    windows, files = scratch / "windows.safetensors", {}
    save_file({"windows": workload.windows.contiguous()}, windows)
    request = {"model": workload.reference.id, "method": row.method, "windows": str(windows)}
    for side in PYTHON:
        files[side] = scratch / f"{side}-{turn}.json"
        if not files[side].exists():
            out = scratch / side
            shutil.rmtree(out, ignore_errors=True)
            files[side].write_text(json.dumps(_compress({**request, "side": side, "out": str(out)})))
    return {side: json.loads(file.read_text()) for side, file in files.items()}


def _compress(request: dict[str, Any]) -> dict[str, Any]:
    """Run one side in a process, and return what it prints, with the seconds of the process and the load."""
    load, started = os.getloadavg()[0], time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own program
        [PYTHON[request["side"]], "-m", "bench.baselines.compress", json.dumps(request)],
        cwd=_CHECKOUT,
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    process = time.perf_counter() - started
    return {**json.loads(done.stdout.splitlines()[-1]), "process_seconds": process, "load_before": load}


def _load(directory: Path, *, quantised: bool) -> PreTrainedModel:
    if quantised:
        return load_export(directory, torch.float32)
    return ModelChoice(str(directory)).load(torch.float32)


def _matrices(model: PreTrainedModel) -> dict[str, Tensor]:
    return {layer.parameter_name: layer.matrix for layer in find_stack(model).layers}


def zeros(model: PreTrainedModel, dense: PreTrainedModel) -> dict[str, Any]:
    """Return the zeros in the layers of the blocks, and the names of other parameters that were changed."""
    matrices = _matrices(model)
    shares = [(matrix == 0).double().mean().item() for matrix in matrices.values()]
    own = dict(model.named_parameters())
    changed = [
        name
        for name, parameter in dense.named_parameters()
        if name not in matrices and not torch.equal(parameter, own[name])
    ]
    whole = sum(matrix.count_nonzero().item() for matrix in matrices.values())
    weights = sum(matrix.numel() for matrix in matrices.values())
    return {
        "zeros": 1 - whole / weights,
        "zeros_by_layer": [min(shares), max(shares)],
        "changed_elsewhere": changed,
    }


def _zeros_in_common(one: PreTrainedModel, other: PreTrainedModel) -> float:
    """Return the share of the zeros of one model that are zeros of the other."""
    both, theirs = 0, _matrices(other)
    own = {name: matrix == 0 for name, matrix in _matrices(one).items()}
    for name, is_zero in own.items():
        both += int((is_zero & (theirs[name] == 0)).sum())
    return both / sum(int(is_zero.sum()) for is_zero in own.values())


def lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the table in Markdown, line by line as rows finish: medians, and the range of times."""
    columns = ("s", "CPU s", "s of the process", "peak MB", "perplexity", "zeros")
    yield from header("", "by", *columns)
    for found in rows:
        for side, library in (("ours", "PruneServe"), ("theirs", "llm-compressor")):
            of_side = found["sides"][side]
            times = ("seconds", "cpu_seconds", "process_seconds")
            by = {key: [run[key] for run in of_side["runs"]] for key in times}
            yield row_of(
                [
                    found["row"],
                    library,
                    *(f"{median(of):.1f} ({min(of):.1f} to {max(of):.1f})" for of in by.values()),
                    f"{median(run['peak_bytes'] for run in of_side['runs']) / 1e6:.0f}",
                    f"{of_side['perplexity']:.2f}",
                    f"{of_side['zeros']:.2%}",
                ]
            )


def main() -> None:
    """Print the table, after running the rows whose files are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.baselines", description=__doc__.splitlines()[0])
    add_row_options(parser)
    add_options(parser)
    options = parser.parse_args()

    def run(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        workload = subject(options)
        return measure(row, workload), workload.places

    run_or_print("bench.baselines", ROWS, options, RESULTS / "baselines", run=run, lines=lines)


if __name__ == "__main__":
    main()
