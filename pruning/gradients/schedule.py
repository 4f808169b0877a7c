"""Chooses the schedule of a gradient pass: `whole` where it fits into memory and is short, else `streamed`.

A pass on `whole` that is interrupted starts over, so it must not take long; one that is streamed resumes.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import torch
from torch import Tensor

from pruning.errors import InvalidInput
from pruning.estimate.memory import MEMORY_SHARE
from pruning.model.batching import bytes_per_token, micro_batch
from pruning.model.blocks import Stack
from pruning.model.placement import Placement
from pruning.recipe import GradientNorm
from pruning.runtime.device import total_memory

ScheduleName = Literal["whole", "streamed"]
ScheduleChoice = Literal["auto", "whole", "streamed"]

_MAX_WHOLE_SECONDS = 600
# The share of a device's memory for weights, sums and one window's activations. The rest is for the device's
# own context, the logits, and copies within an operation.
_MOST_MEMORY = 0.9
# Operations per second of a CPU thread and of a GPU. Assumed, not measured: a measurement that varies would
# make the choice vary too.
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
        length, device, dtype = windows.shape[1], placement.device, placement.dtype
        if choice == "whole" or (
            choice == "auto"
            and _whole_fits(stack, length, norms, placement)
            and _estimated_seconds(stack, windows, placement) <= _MAX_WHOLE_SECONDS
        ):
            blocks, sums = len(stack.blocks), _sums(stack, norms)
            together = micro_batch(stack, length, device, blocks_at_once=blocks, dtype=dtype, held=sums)
            return cls("whole", together)
        return cls("streamed", micro_batch(stack, length, device, blocks_at_once=1, dtype=dtype))

    def halved(self) -> "Schedule":
        """Return the same schedule with half the micro-batch."""
        return replace(self, micro_batch=self.micro_batch // 2)


def _whole_fits(stack: Stack, length: int, norms: Collection[GradientNorm], placement: Placement) -> bool:
    """Whether the device holds weights and sums in their share of it, and one window's activations beside."""
    parameters = sum(parameter.numel() for parameter in stack.model.parameters())
    held = parameters * placement.dtype.itemsize + _sums(stack, norms)
    window = length * bytes_per_token(stack, placement.dtype, blocks_at_once=len(stack.blocks))
    memory = total_memory(placement.device)
    return bool(held <= MEMORY_SHARE * memory and held + window <= _MOST_MEMORY * memory)


def _sums(stack: Stack, norms: Collection[GradientNorm]) -> int:
    """Return the bytes of a float32 sum per selected weight and norm; gates take next to none."""
    weights = sum(layer.outputs * layer.inputs for layer in stack.layers)
    return weights * sum(norm != "gates" for norm in norms) * torch.float32.itemsize


def _estimated_seconds(stack: Stack, windows: Tensor, placement: Placement) -> float:
    """Count 6 operations per weight and token: 2 each for forward, backward and the weight gradients."""
    weights = sum(parameter.numel() for parameter in stack.model.parameters())
    workers = torch.get_num_threads() if placement.device.type == "cpu" else 1
    return float(6 * weights * windows.numel() / (_ASSUMED_RATE[placement.device.type] * workers))
