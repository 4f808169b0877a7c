"""Measures structured pruning: parameters, perplexity and tokens per second against the dense model.

    make bench-structured                          # all rows
    make bench-structured ARGS="--rows quarter"    # rows whose name contains 'quarter'
    make bench-structured ARGS="--samples 4"       # fewer calibration windows, to try it

SmolLM2-135M in float32, windows of 512 tokens, perplexity over the windows of `make bench-quality`. Rows are
printed as JSON, one line each. Speeds are of the forward pass over 512 tokens (prefill) and of a token after
128 others (decode), medians of pairs in which dense and smaller model take turns.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel

from bench.structured_rivals import Widths, flap, wanda_sp
from bench.subject import Subject, add_options, ignore_steps, subject
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.estimate.speed import Lengths
from pruning.evaluation.perplexity import perplexity
from pruning.evaluation.speed import run_of
from pruning.gradients.gradient_pass import GradientPass
from pruning.gradients.window_norms import GradientNorms
from pruning.model.blocks import find_stack
from pruning.model.placement import Placement
from pruning.model.selection import stack_of_layers
from pruning.output.smaller import write_shorter, write_smaller
from pruning.recipe import ModelReference, StructureOptions
from pruning.structure.cut import cut_blocks
from pruning.structure.depth import DepthPlan
from pruning.structure.drop import choose_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutInMemory
from pruning.structure.units import consumers

_PAIRS = 7
_PREFILL, _BEFORE = 512, 128


@dataclass(frozen=True)
class Row:
    """One row: a recipe's structure, the calibration windows, and who cuts."""

    name: str
    structure: dict[str, Any]
    samples: int = 16
    rival: Callable[[PreTrainedModel, Tensor, Widths], None] | None = None


def _importances(name: str, structure: dict[str, Any], samples: int) -> Iterator[Row]:
    for importance in ("gate+second_order", "second_order", "gate", "activation", "magnitude"):
        yield Row(f"{name}, {importance}", {**structure, "importance": importance}, samples)


QUARTER = {"mlp_channels": 0.25}
ROWS = (
    *_importances("a quarter of the channels, 16 windows", QUARTER, 16),
    Row("a quarter of the channels, 16 windows, no repair", {**QUARTER, "repair": "none"}, 16),
    *_importances("a quarter of the channels, 48 windows", QUARTER, 48),
    *(
        row
        for share in (0.2, 0.3, 0.5)
        for row in (
            Row(f"{share:.0%} of the parameters", {"parameters": share}),
            Row(f"{share:.0%} of the parameters, FLAP", {"parameters": share}, rival=flap),
            Row(f"{share:.0%} of the parameters, Wanda-sp", {"parameters": share}, rival=wanda_sp),
        )
    ),
    Row("a third of the parameters, 48 windows", {"parameters": 1 / 3}, 48),
    *(Row(f"{count} of the 30 blocks", {"blocks": count}) for count in (3, 6, 10)),
    Row("5 of the 30 blocks, a fifth of the channels, 48 windows", {"blocks": 5, "mlp_channels": 0.2}, 48),
)


@dataclass
class Bench:
    """The workload; gates are computed once for each model and number of windows."""

    options: argparse.Namespace
    held_out: bool
    _gates: dict[tuple[str, int], GradientNorms] = field(default_factory=dict)
    _subjects: dict[int, Subject] = field(default_factory=dict)

    def measure(self, row: Row) -> dict[str, Any]:
        """Cut by a row's structure, and measure what is left."""
        with TemporaryDirectory() as directory:
            return self._measured(row, Path(directory))

    def _measured(self, row: Row, directory: Path) -> dict[str, Any]:
        samples = self.options.samples or row.samples
        workload = self._subject(samples)
        structure = StructureOptions.model_validate(row.structure)
        checkpoint, block_seconds = self._without_blocks(structure, workload, directory)
        model = checkpoint.load(torch.float32, torch.device("cpu"))
        plan = CutPlan.of(structure, checkpoint.skeleton, checkpoint.config_values)
        evaluation = workload.held_out if self.held_out else workload.evaluation
        facts: dict[str, Any] = {"row": row.name, "windows": samples}
        if row.rival is not None:
            started = time.perf_counter()
            row.rival(model, workload.windows, _widths(plan, model))
            seconds = time.perf_counter() - started
            return facts | {
                "perplexity": round(perplexity(model, evaluation, step=ignore_steps), 3),
                "seconds": round(seconds, 1),
            }
        gates, gate_seconds = self._gates_of(structure, samples, checkpoint)
        started = time.perf_counter()
        blocks, stack = CutInMemory(), find_stack(model)
        cut_blocks(
            stack,
            structure,
            plan.on(stack),
            workload.windows,
            gates,
            placement=Placement(model),
            blocks=blocks,
            step=ignore_steps,
        )
        facts |= {
            "parameters": sum(p.numel() for p in plan.smaller_skeleton(checkpoint.skeleton).parameters()),
            "perplexity": round(perplexity(model, evaluation, step=ignore_steps), 3),
            "seconds": round(time.perf_counter() - started, 1),
            "gate_seconds": round(gate_seconds, 1),
            "block_seconds": round(block_seconds, 1),
        }
        return facts | (self._speed(checkpoint, plan, blocks) if self.options.speed else {})

    def _without_blocks(
        self, structure: StructureOptions, workload: Subject, directory: Path
    ) -> tuple[Checkpoint, float]:
        """Return the checkpoint without the blocks that go, and the seconds that their choice took."""
        dense = resolve(workload.reference)
        if structure.blocks is None:
            return dense, 0.0
        started = time.perf_counter()
        plan = DepthPlan.of(structure, dense.skeleton, dense.config_values)
        model = workload.dense()
        kept = choose_blocks(
            find_stack(model),
            workload.windows,
            plan.kept,
            placement=Placement(model),
            earlier=(),
            found=lambda drop: None,
        )
        write_shorter(dense, plan.config(kept), kept, directory)
        return resolve(ModelReference(id=str(directory))), time.perf_counter() - started

    def dense(self) -> dict[str, Any]:
        """Measure the dense model."""
        workload = self._subject(self.options.samples or 16)
        model = workload.dense()
        evaluation = workload.held_out if self.held_out else workload.evaluation
        return {
            "row": "dense",
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "perplexity": round(perplexity(model, evaluation, step=ignore_steps), 3),
        }

    def _subject(self, samples: int) -> Subject:
        if samples not in self._subjects:
            self._subjects[samples] = subject(self.options, samples)
        return self._subjects[samples]

    def _gates_of(
        self, structure: StructureOptions, samples: int, checkpoint: Checkpoint
    ) -> tuple[GradientNorms, float]:
        if "gate" not in structure.terms:
            return {}, 0.0
        started = time.perf_counter()
        known = checkpoint.identity, samples
        if known not in self._gates:
            workload = self._subject(samples)
            model = checkpoint.load(torch.float32, torch.device("cpu"))
            stack = stack_of_layers(model, frozenset(layer.name for layer in consumers(model)))
            self._gates[known] = GradientPass(
                Placement(model),
                workload.windows,
                norms=frozenset({"gates"}),
                stack=stack,
                schedule="whole",
            ).run(ignore_steps)
        return self._gates[known], time.perf_counter() - started

    def _speed(self, checkpoint: Checkpoint, plan: CutPlan, blocks: CutInMemory) -> dict[str, float]:
        with TemporaryDirectory() as name:
            write_smaller(checkpoint, plan, blocks, Path(name))
            smaller = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32).eval()
            dense = self._subject(self.options.samples or 16).dense()
            return {
                "prefill": _ratio(dense, smaller, _prefill),
                "prefill, dense against dense": _ratio(dense, dense, _prefill),
                "decode": _ratio(dense, smaller, _decode),
                "decode, dense against dense": _ratio(dense, dense, _decode),
            }


def _widths(plan: CutPlan, model: PreTrainedModel) -> Widths:
    kept = {one.kind: one.kept for one in plan.plans}
    config = model.config
    return Widths(
        kept.get("kv_groups", config.num_key_value_heads), kept.get("mlp_channels", config.intermediate_size)
    )


def _ratio(dense: PreTrainedModel, other: PreTrainedModel, run: Callable[[PreTrainedModel], float]) -> float:
    """Return how many times as fast the other model is, over pairs that take turns."""
    ratios = []
    for number in range(_PAIRS + 1):
        first, second = (dense, other) if number % 2 else (other, dense)
        times = {}
        for key, model in (("first", first), ("second", second)):
            times[key] = run(model)
        of_dense, of_other = (
            (times["first"], times["second"]) if number % 2 else (times["second"], times["first"])
        )
        if number:  # the first pair warms up
            ratios.append(of_dense / of_other)
    return round(median(ratios), 3)


@torch.no_grad()
def _prefill(model: PreTrainedModel) -> float:
    tokens = torch.arange(_PREFILL)[None]
    started = time.perf_counter()
    model(input_ids=tokens, use_cache=False)
    return time.perf_counter() - started


def _decode(model: PreTrainedModel) -> float:
    run = run_of(model, "decode", 1, Lengths(prompt=_BEFORE, generated=8))
    assert run is not None
    decode = run()
    started = time.perf_counter()
    decode()
    return time.perf_counter() - started


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(prog="python -m bench.structured", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", default=[""], metavar="TEXT", help="only rows with such a name")
    parser.add_argument("--samples", type=int, metavar="N", help="calibration windows of every row")
    parser.add_argument("--held-out", action="store_true", help="measure on held-out calibration articles")
    parser.add_argument("--speed", action="store_true", help="also measure tokens per second")
    add_options(parser)
    options = parser.parse_args()
    rows = tuple(row for row in ROWS if any(text in row.name for text in options.rows))
    if not rows:
        parser.error("--rows matches no row; the rows are: " + "; ".join(row.name for row in ROWS))
    bench = Bench(options, options.held_out)
    print(json.dumps(bench.dense()), flush=True)
    for row in rows:
        print(json.dumps(bench.measure(row)), flush=True)


if __name__ == "__main__":
    main()
