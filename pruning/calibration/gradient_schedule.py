"""Chooses the schedule of a gradient pass: `whole` where it fits into memory and is short, else `streamed`.

A pass on `whole` that is interrupted starts over, so it must not take long; one that is streamed resumes.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import torch
from torch import Tensor

from pruning.errors import InvalidInput
from pruning.estimate.memory import MAX_WHOLE_SECONDS, may_be_whole
from pruning.models.blocks import Stack
from pruning.models.memory import bytes_per_token, micro_batch, windows_that_fit
from pruning.models.placement import Placement
from pruning.recipe import GradientNorm
from pruning.runtime.device import total_memory

ScheduleName = Literal["whole", "streamed"]
ScheduleChoice = Literal["auto", "whole", "streamed"]

# Operations per second of a CPU thread and of a GPU. Assumed, not measured, so that the
# choice does not vary.
_ASSUMED_RATE = {"cpu": 5e10, "cuda": 2e14}


@dataclass(frozen=True)
class Schedule:
    """How a gradient pass runs."""

    name: ScheduleName
    micro_batch: int  # windows per forward and backward pass

    @classmethod
    def choose(
        cls,
        choice: ScheduleChoice,
        stack: Stack,
        windows: Tensor,
        norms: Collection[GradientNorm],
        placement: Placement,
    ) -> Self:
        """Return the chosen schedule; for 'auto', `whole` where it fits into memory and takes minutes.

        `windows`: token ids (windows, length). The result depends only on the model, the windows and the
        machine, so that a resumed run chooses the same. Raises InvalidInput(field='schedule').
        """
        if choice not in get_args(ScheduleChoice):
            raise InvalidInput(
                f"schedule {choice!r} is unknown; use auto, whole or streamed", field="schedule"
            )
        length, shares = windows.shape[1], _shares(stack, norms, placement)
        if choice == "whole" or (
            choice == "auto"
            and all(share.fits(length) for share in shares)
            and _estimated_seconds(stack, windows, placement) <= MAX_WHOLE_SECONDS
        ):
            return cls("whole", min(share.windows(length) for share in shares if share.activations))
        smallest = min(placement.devices, key=total_memory)
        return cls("streamed", micro_batch(stack, length, smallest, placement.dtype))

    def halved(self) -> "Schedule":
        """Return the same schedule with half the micro-batch."""
        return replace(self, micro_batch=self.micro_batch // 2)


@dataclass(frozen=True)
class _Share:
    """The memory that one device needs on `whole`."""

    device: torch.device
    held: int  # bytes of its weights, in the dtype of the computation, and of its sums
    activations: float  # bytes per token of a micro-batch, for all micro-batches in flight

    def fits(self, length: int) -> bool:
        """Whether it has the memory for weights, sums and one window's activations."""
        return may_be_whole(self.held, length * self.activations, total_memory(self.device))

    def windows(self, length: int) -> int:
        """Return how many windows of `length` tokens a micro-batch may have."""
        return windows_that_fit(self.held, length, self.device, self.activations)


def _shares(stack: Stack, norms: Collection[GradientNorm], placement: Placement) -> list[_Share]:
    """Return what each device holds on `whole`: a stage of blocks; the first and last also the outer modules.

    See `one_forward_one_backward` for the micro-batches that are in flight in each.
    """
    runs = placement.runs(stack.modules)
    in_blocks = {parameter for module in stack.modules for parameter in module.parameters()}
    shares = []
    for number, device in enumerate(placement.devices):
        blocks = tuple(block for block, run in zip(stack.blocks, runs, strict=True) if run == number)
        resident = {parameter for block in blocks for parameter in block.module.parameters()}
        if number in (0, runs[-1]):
            resident |= set(stack.model.parameters()) - in_blocks
        weights = sum(parameter.numel() for parameter in resident) * placement.dtype.itemsize
        part, in_flight = replace(stack, blocks=blocks), len({run for run in runs if run >= number})
        shares.append(
            _Share(
                device,
                held=weights + _sums(part, norms),
                activations=in_flight * bytes_per_token(part, placement.dtype, blocks_at_once=len(blocks))
                if blocks
                else 0.0,
            )
        )
    return shares


def _sums(stack: Stack, norms: Collection[GradientNorm]) -> int:
    """Return the bytes of a float32 sum per selected weight and norm; those by input take next to none."""
    weights = sum(layer.outputs * layer.inputs for layer in stack.layers)
    return weights * sum(norm not in ("gates", "columns") for norm in norms) * torch.float32.itemsize


def _estimated_seconds(stack: Stack, windows: Tensor, placement: Placement) -> float:
    """Count 6 operations per weight and token: 2 each for forward, backward and the weight gradients."""
    weights = sum(parameter.numel() for parameter in stack.model.parameters())
    workers = torch.get_num_threads() if placement.device.type == "cpu" else len(placement.devices)
    return float(6 * weights * windows.numel() / (_ASSUMED_RATE[placement.device.type] * workers))
