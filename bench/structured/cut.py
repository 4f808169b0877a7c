"""What a cut leaves: parameters, perplexity, and the seconds that it took."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from bench.structured.rivals import Widths
from bench.structured.rows import Rival
from bench.workload.subject import Subject, ignore_steps
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.window_norms import GradientNorms
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.evaluation.perplexity import perplexity
from pruning.models.blocks import find_stack, stack_of_layers
from pruning.models.placement import Placement
from pruning.output.smaller import write_shorter
from pruning.recipe import ModelReference, StructureOptions
from pruning.structure.cut import cut_blocks
from pruning.structure.depth import DepthPlan, Drop, choose_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutInMemory
from pruning.structure.units import consumers


@dataclass
class Shared:
    """What several cuts of one model with the same windows have in common."""

    drops: list[Drop] = field(default_factory=list)  # the choice of more blocks continues from that of fewer
    gates: dict[int, GradientNorms] = field(default_factory=dict)  # by the number of blocks that are left


class CutMeasurement:
    """Cuts by a structure, ours or a rival, and measures what is left."""

    def __init__(
        self,
        structure: StructureOptions,
        workload: Subject,
        evaluation: torch.Tensor,
        *,
        rival: Rival | None = None,
        shared: Shared | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._structure, self._workload, self._evaluation = structure, workload, evaluation
        self._rival, self._shared, self._dtype = rival, shared or Shared(), dtype
        self._seconds: dict[str, float] = {}

    def run(self, scratch: Path) -> dict[str, Any]:
        """Return what the row's file holds. `scratch`: an empty directory."""
        checkpoint = self._without_blocks(scratch)
        model = checkpoint.load(self._dtype, torch.device("cpu"))
        plan = CutPlan.of(self._structure, checkpoint.skeleton, checkpoint.config_values)
        if self._rival is None:
            self._cut(model, checkpoint, plan)
            parameters = _parameters(plan.smaller_skeleton(checkpoint.skeleton))
        else:
            started = time.perf_counter()
            lost = self._rival(model, self._workload.windows, _widths(plan, model))
            self._seconds["cut"] = time.perf_counter() - started
            parameters = _parameters(checkpoint.skeleton) - lost
        return {
            "parameters": parameters,
            "perplexity": perplexity(model, self._evaluation, step=ignore_steps),
            "seconds": {name: round(seconds, 1) for name, seconds in self._seconds.items()},
        }

    def _without_blocks(self, directory: Path) -> Checkpoint:
        """Return the checkpoint without the blocks that go."""
        dense = resolve(self._workload.reference)
        if self._structure.blocks is None:
            return dense
        started = time.perf_counter()
        plan = DepthPlan.of(self._structure, dense.skeleton, dense.config_values)
        model = self._workload.dense(self._dtype)
        stack, drops = find_stack(model), self._shared.drops
        kept = choose_blocks(
            stack,
            self._workload.windows,
            plan.kept,
            placement=Placement(model),
            earlier=drops[: len(stack.blocks) - plan.kept],
            found=drops.append,
        )
        write_shorter(dense, plan.config(kept), kept, directory)
        self._seconds["blocks"] = time.perf_counter() - started
        return resolve(ModelReference(id=str(directory)))

    def _cut(self, model: PreTrainedModel, checkpoint: Checkpoint, plan: CutPlan) -> None:
        """Mask and repair, in place."""
        gates = self._gates(checkpoint) if self._structure.ranks else {}
        started = time.perf_counter()
        stack = find_stack(model)
        cut_blocks(
            stack,
            plan.on(stack),
            self._workload.windows,
            gates,
            placement=Placement(model),
            blocks=CutInMemory(),
            step=ignore_steps,
        )
        self._seconds["cut"] = time.perf_counter() - started

    def _gates(self, checkpoint: Checkpoint) -> GradientNorms:
        blocks = checkpoint.config.num_hidden_layers
        if blocks not in self._shared.gates:
            self._shared.gates[blocks] = self._new_gates(checkpoint)
        return self._shared.gates[blocks]

    def _new_gates(self, checkpoint: Checkpoint) -> GradientNorms:
        started = time.perf_counter()
        model = checkpoint.load(self._dtype, torch.device("cpu"))
        stack = stack_of_layers(model, frozenset(layer.name for layer in consumers(model)))
        found = GradientPass(
            Placement(model),
            self._workload.windows,
            norms=frozenset({"gates"}),
            stack=stack,
            schedule="whole",
        ).run(ignore_steps)
        self._seconds["gates"] = time.perf_counter() - started
        return found


def _parameters(model: PreTrainedModel) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _widths(plan: CutPlan, model: PreTrainedModel) -> Widths:
    kept = {one.kind: one.kept for one in plan.plans}
    config = model.config
    return Widths(
        kept.get("kv_groups", config.num_key_value_heads), kept.get("mlp_channels", config.intermediate_size)
    )
