"""What a cut leaves: parameters, perplexity, and the seconds that it took."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bench.structured.rivals import Widths
from bench.workload.models import ignore_steps, perplexity
from bench.workload.subject import Subject
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.window_norms import GradientNorms
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.models.blocks import find_stack, stack_of_layers
from pruning.models.placement import Placement
from pruning.recipe import StructureOptions
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutInMemory
from pruning.structure.units import consumers

Rival = Callable[[PreTrainedModel, Tensor, Widths], int]
"""Masks units of a model, and returns how many parameters go with them."""


def cut(structure: StructureOptions, workload: Subject, rival: Rival | None) -> dict[str, Any]:
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
        kept.get("kv_groups", config.num_key_value_heads), kept.get("mlp_channels", config.intermediate_size)
    )
