"""Measures structured pruning: parameters and perplexity, also of what it is compared with.

    make bench-structured                          # all rows; those that are there are not run again
    make bench-structured ARGS="--rows FLAP"       # rows whose name contains 'FLAP'

SmolLM2-135M in float32, windows of 512 tokens, perplexity over the windows of `make bench-quality`. Each row
runs in a process of its own, and is a file of JSON: the recipe, the commit, the seconds, and what was
measured.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bench.rows import RESULTS, add_row_options, header, row_of, run_or_print
from bench.structured.rivals import Widths, flap, wanda_sp
from bench.workload.models import ignore_steps, perplexity
from bench.workload.subject import Subject, add_options, subject
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.window_norms import GradientNorms
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.models.blocks import find_stack, stack_of_layers
from pruning.models.placement import Placement
from pruning.recipe import Recipe, StructureOptions
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutInMemory
from pruning.structure.units import consumers

Rival = Callable[[PreTrainedModel, Tensor, Widths], int]
"""Masks units of a model, and returns how many parameters go with them."""


@dataclass(frozen=True)
class Row:
    """One row: a recipe without model and calibration, and who cuts."""

    name: str
    recipe: dict[str, Any] | None  # None: the dense model
    rival: Rival | None = None  # in place of ours


def _rows_with_rivals(share: float) -> Iterator[Row]:
    name, recipe = f"{share:.0%} of the parameters", {"structure": {"parameters": share}}
    yield Row(name, recipe)
    yield Row(f"{name}, FLAP", recipe, rival=flap)
    yield Row(f"{name}, Wanda-sp", recipe, rival=wanda_sp)


ROWS = (
    Row("dense", None),
    *(row for share in (0.2, 0.3, 0.5) for row in _rows_with_rivals(share)),
)


def measure(row: Row, workload: Subject) -> dict[str, Any]:
    """Return what the file of a row holds."""
    threads = {"threads": torch.get_num_threads()}
    if row.recipe is None:
        model = workload.dense()
        parameters = _parameters(model)
        measured = perplexity(model, workload.evaluation, step=ignore_steps)
        return {"parameters": parameters, "perplexity": measured, "recipe": None, **threads}
    fields = {"model": workload.reference, "calibration": workload.calibration, "dtype": "float32"}
    recipe = Recipe.model_validate({**fields, **row.recipe})
    assert recipe.structure is not None
    found = _cut(recipe.structure, workload, row.rival)
    return {**found, "recipe": recipe.model_dump(mode="json"), **threads}


def _cut(structure: StructureOptions, workload: Subject, rival: Rival | None) -> dict[str, Any]:
    """Cut units within blocks in float32, by the engine or by a rival, and measure what is left."""
    checkpoint, seconds = resolve(workload.reference), dict[str, float]()
    model = checkpoint.load(torch.float32, torch.device("cpu"))
    plan = CutPlan.of(structure, checkpoint.skeleton, checkpoint.config_values)
    if rival is None:
        started = time.perf_counter()
        gates = _gates(checkpoint, workload.windows)
        seconds["gates"] = time.perf_counter() - started
        started = time.perf_counter()
        _cut_by_engine(model, plan, workload.windows, gates)
        parameters = _parameters(plan.smaller_skeleton(checkpoint.skeleton))
    else:
        started = time.perf_counter()
        parameters = _parameters(model) - rival(model, workload.windows, _widths(plan, model))
    seconds["cut"] = time.perf_counter() - started
    return {
        "parameters": parameters,
        "perplexity": perplexity(model, workload.evaluation, step=ignore_steps),
        "seconds": {name: round(of_part, 1) for name, of_part in seconds.items()},
    }


def _cut_by_engine(model: PreTrainedModel, plan: CutPlan, windows: Tensor, gates: GradientNorms) -> None:
    """Mask and repair, in place."""
    stack = find_stack(model)
    cut_blocks(
        stack,
        plan.on(stack),
        windows,
        gates,
        placement=Placement(model),
        blocks=CutInMemory(),
        step=ignore_steps,
    )


def _gates(checkpoint: Checkpoint, windows: Tensor) -> GradientNorms:
    model = checkpoint.load(torch.float32, torch.device("cpu"))
    stack = stack_of_layers(model, frozenset(layer.name for layer in consumers(model)))
    engine = GradientPass(Placement(model), windows, norms=["gates"], stack=stack, schedule="whole")
    return engine.run(ignore_steps)


def _parameters(model: PreTrainedModel) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _widths(plan: CutPlan, model: PreTrainedModel) -> Widths:
    kept = {one.kind: one.kept for one in plan.plans}
    config = model.config
    return Widths(
        kept.get("kv_heads", config.num_key_value_heads), kept.get("mlp_channels", config.intermediate_size)
    )


def _lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the table in Markdown, line by line as rows finish."""
    yield from header("", "parameters", "perplexity", "seconds")
    for found in rows:
        seconds = " + ".join(f"{of_part:.0f}" for of_part in found.get("seconds", {}).values())
        parameters = f"{found['parameters'] / 1e6:.1f} M"
        yield row_of([found["row"], parameters, f"{found['perplexity']:.2f}", seconds])


def main() -> None:
    """Print the table, after running the rows whose files are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.structured", description=__doc__.splitlines()[0])
    add_row_options(parser)
    add_options(parser)
    options = parser.parse_args()

    def run(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        workload = subject(options)
        return measure(row, workload), workload.places

    run_or_print("bench.structured", ROWS, options, RESULTS / "structured", run=run, lines=_lines)


if __name__ == "__main__":
    main()
