"""Gradient passes as the checks run them, and comparisons of what they give."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor

from bench.gpu_check.context import Context
from bench.workload.models import ModelChoice
from pruning.calibration.activation_store import Budget
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.gradient_schedule import ScheduleName
from pruning.calibration.window_norms import GradientNorms
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.recipe import GradientNorm

L1: tuple[GradientNorm, ...] = ("l1",)
BOTH: tuple[GradientNorm, ...] = ("l1", "l2")


def new_pass(
    at: Context,
    choice: ModelChoice,
    windows: Tensor,
    schedule: ScheduleName,
    dtype: torch.dtype,
    *,
    norms: Collection[GradientNorm] = L1,
    micro_batch: int | None = None,
    others: Sequence[torch.device] = (),
) -> GradientPass:
    """Return a pass over a model with random weights that lies on the host as stored in `dtype`."""
    placement = Placement(choice.load_as_stored(dtype), at.device, dtype, others=others)
    return pass_over(placement, windows, schedule, norms=norms, micro_batch=micro_batch)


def pass_over(
    placement: Placement,
    windows: Tensor,
    schedule: ScheduleName,
    *,
    norms: Collection[GradientNorm],
    micro_batch: int | None = None,
) -> GradientPass:
    """Return a pass over a model as it is placed."""
    made = GradientPass(placement, windows, norms=norms, stack=find_stack(placement.model), schedule=schedule)
    if micro_batch is not None:
        made.schedule = replace(made.schedule, micro_batch=micro_batch)
    return made


@contextmanager
def places_for_inputs(budget: Budget) -> Iterator[None]:
    """While active, block inputs are stored within this budget, whatever the machine has."""

    def of(device: torch.device, directory: Path) -> Budget:
        return budget

    with patch.object(Budget, "of", of):
        yield


def in_memory(norms: GradientNorms) -> GradientNorms:
    """Read all norms into the host's memory."""
    return {norm: {name: tensor.cpu() for name, tensor in layers.items()} for norm, layers in norms.items()}


def same_bits(found: GradientNorms, expected: GradientNorms) -> bool:
    """Whether both hold the same layers with the same bits."""
    if {norm: list(layers) for norm, layers in found.items()} != {
        norm: list(layers) for norm, layers in expected.items()
    }:
        return False
    return all(
        torch.equal(found[norm][name], tensor)
        for norm, layers in expected.items()
        for name, tensor in layers.items()
    )


def require_same_bits(at: Context, name: str, found: GradientNorms, expected: GradientNorms) -> None:
    """Note whether both have the same bits; else how many tensors differ, which is the first, by how much."""
    is_same, note = same_bits(found, expected), ""
    if not is_same and list(found) == list(expected):
        pairs = [
            (f"{norm} of {layer}", found[norm][layer], tensor)
            for norm, layers in expected.items()
            for layer, tensor in layers.items()
            if layer in found[norm]
        ]
        differing = [
            (what, _difference(one, other)) for what, one, other in pairs if not torch.equal(one, other)
        ]
        if differing:
            (first, size), most = differing[0], max(size for _, size in differing)
            note = (
                f"{len(differing)} of {len(pairs)} tensors differ, the first, {first}, by a relative "
                f"{size:.2g}, and none by more than {most:.2g}"
            )
    at.require(name, is_same, note=note)


def largest_difference(found: GradientNorms, expected: GradientNorms) -> float:
    """Return the largest ‖a - b‖ / ‖b‖ over norms and layers, computed in float64."""
    return max(
        _difference(found[norm][name], tensor)
        for norm, layers in expected.items()
        for name, tensor in layers.items()
    )


def _difference(found: Tensor, expected: Tensor) -> float:
    """Return ‖a - b‖ / ‖b‖, computed in float64."""
    return float((found.double() - expected.double()).norm() / expected.double().norm())
