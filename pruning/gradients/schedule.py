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
from pruning.model.batching import micro_batch
from pruning.model.blocks import Stack
from pruning.model.placement import Placement
from pruning.recipe import GradientNorm
from pruning.runtime.device import total_memory

ScheduleName = Literal["whole", "streamed"]
ScheduleChoice = Literal["auto", "whole", "streamed"]

_MAX_WHOLE_SECONDS = 600
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
        length, blocks = windows.shape[1], len(stack.blocks)
        whole = cls("whole", micro_batch(stack, length, placement.device, blocks_at_once=blocks))
        if choice == "whole" or (
            choice == "auto"
            and _whole_fits(stack, norms, placement)
            and _estimated_seconds(stack, windows, placement) <= _MAX_WHOLE_SECONDS
        ):
            return whole
        return cls("streamed", micro_batch(stack, length, placement.device, blocks_at_once=1))

    def halved(self) -> "Schedule":
        """Return the same schedule with half the micro-batch."""
        return replace(self, micro_batch=self.micro_batch // 2)


def _whole_fits(stack: Stack, norms: Collection[GradientNorm], placement: Placement) -> bool:
    """Whether the device holds the weights, and a float32 sum per selected weight and norm."""
    weights = sum(parameter.numel() for parameter in stack.model.parameters())
    sums = sum(layer.outputs * layer.inputs for layer in stack.layers) * len(norms)
    needed = weights * placement.dtype.itemsize + sums * torch.float32.itemsize
    return bool(needed <= MEMORY_SHARE * total_memory(placement.device))


def _estimated_seconds(stack: Stack, windows: Tensor, placement: Placement) -> float:
    """Count 6 operations per weight and token: 2 each for forward, backward and the weight gradients."""
    weights = sum(parameter.numel() for parameter in stack.model.parameters())
    workers = torch.get_num_threads() if placement.device.type == "cpu" else 1
    return float(6 * weights * windows.numel() / (_ASSUMED_RATE[placement.device.type] * workers))
