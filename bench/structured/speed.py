"""Tokens per second of a smaller model and of the dense one, and what the removed work would give."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, PreTrainedModel

from bench.workload.subject import Subject, ignore_steps
from pruning.calibration.window_norms import GradientNorms
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.estimate.work import SPEED_PAIRS, Phase, SequenceLengths
from pruning.evaluation.speed import clock_of, rate, run_of, seconds_in_turns
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.output.smaller import write_smaller
from pruning.recipe import StructureOptions
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutInMemory
from pruning.structure.units import consumers

# A prompt is long enough for the processor's full rate; a token is decoded behind a short one.
_LENGTHS = {
    "prefill": SequenceLengths(prompt=512, generated=1),
    "decode": SequenceLengths(prompt=128, generated=8),
}


def speeds(structure: StructureOptions, workload: Subject) -> dict[str, Any]:
    """Measure prefill and decode of one sequence, dense and smaller in turns."""
    checkpoint, dense = resolve(workload.reference), workload.dense()
    with TemporaryDirectory() as directory:
        _write_cut(structure, workload, checkpoint, Path(directory))
        smaller = AutoModelForCausalLM.from_pretrained(
            directory, attn_implementation="sdpa", dtype=torch.float32, local_files_only=True
        ).eval()
        busy = os.getloadavg()[0]
        found = {phase: _speed(phase, dense, smaller) for phase in ("prefill", "decode")}
    operations = _operations(dense) / _operations(smaller)
    parameters = [sum(tensor.numel() for tensor in model.parameters()) for model in (dense, smaller)]
    return {
        "parameters": parameters[1],
        "prefill": {**found["prefill"], "of the operations": round(operations, 3)},
        "decode": {**found["decode"], "of the bytes": round(parameters[0] / parameters[1], 3)},
        "load": round(busy, 2),
    }


def _write_cut(
    structure: StructureOptions, workload: Subject, checkpoint: Checkpoint, directory: Path
) -> None:
    """Write a cut of any units: which ones go makes no difference to the speed."""
    model = checkpoint.load(torch.float32, torch.device("cpu"))
    plan = CutPlan.of(structure, checkpoint.skeleton, checkpoint.config_values)
    stack, blocks, placement = find_stack(model), CutInMemory(), Placement(model)
    gates: GradientNorms = {"gates": {layer.name: torch.zeros(1, layer.inputs) for layer in consumers(model)}}
    cut_blocks(
        stack,
        plan.on(stack),
        workload.windows[:1],
        gates,
        placement=placement,
        blocks=blocks,
        step=ignore_steps,
    )
    write_smaller(checkpoint, plan, blocks, directory)


def _speed(phase: Phase, dense: PreTrainedModel, smaller: PreTrainedModel) -> dict[str, float]:
    lengths = _LENGTHS[phase]
    of_dense, of_smaller = (run_of(model, phase, 1, lengths) for model in (dense, smaller))
    assert of_dense is not None
    assert of_smaller is not None
    clock = clock_of(torch.device("cpu"))
    # The first pair fills caches, and is not counted.
    pairs = [seconds_in_turns(of_dense, of_smaller, number, clock) for number in range(SPEED_PAIRS + 1)][1:]
    found = rate(phase, 1, lengths.tokens(phase), pairs)
    return {
        "dense": round(found.dense, 1),
        "smaller": round(found.pruned, 1),
        "speedup": round(found.speedup, 3),
        "noise": round(found.noise, 3),
    }


@torch.no_grad()
def _operations(model: PreTrainedModel) -> int:
    """Return the operations of a prefill."""
    tokens = torch.arange(_LENGTHS["prefill"].prompt)[None]
    with FlopCounterMode(display=False) as counter:
        model(input_ids=tokens, use_cache=False, logits_to_keep=1)
    return int(counter.get_total_flops())
