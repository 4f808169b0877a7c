"""Which way a gradient pass goes through a model: by what fits, and by what is lost when it is cut short."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import torch
from torch import Tensor

from pruning.errors import InvalidInput
from pruning.estimate.memory import MEMORY_SHARE
from pruning.model.batching import memory_of, micro_batch
from pruning.model.blocks import Stack
from pruning.model.placement import Placement
from pruning.recipe import GradientNorm

ScheduleName = Literal["whole", "streamed"]
ScheduleChoice = Literal["auto", "whole", "streamed"]

# A pass on the schedule `whole` starts anew when it is cut short, so it is not to be long.
_LONGEST_WHOLE_SECONDS = 600
# Operations per second that a thread of a CPU, and a GPU, are taken to do: measuring would make it a draw.
_ASSUMED_RATE = {"cpu": 5e10, "cuda": 2e14}


@dataclass(frozen=True)
class Schedule:
    """How a gradient pass is carried out."""

    name: ScheduleName
    micro_batch: int  # windows that share a forward and backward pass

    @classmethod
    def choose(
        cls,
        choice: ScheduleChoice,
        stack: Stack,
        windows: Tensor,
        norms: Collection[GradientNorm],
        placement: Placement,
    ) -> Self:
        """As chosen; 'auto' is `whole` where it fits into memory and takes minutes, `streamed` otherwise.

        `windows`: token ids (windows, length). Follows from model, windows and machine alone, so that a run
        that is taken up finds what it left. Raises InvalidInput(field='schedule').
        """
        if choice not in get_args(ScheduleChoice):
            raise InvalidInput(f"schedule {choice!r} is none; use auto, whole or streamed", field="schedule")
        length, blocks = windows.shape[1], len(stack.blocks)
        whole = cls("whole", micro_batch(stack, length, placement.device, blocks_at_once=blocks))
        if choice == "whole" or (
            choice == "auto"
            and _whole_fits(stack, norms, placement)
            and _seconds(stack, windows, placement) <= _LONGEST_WHOLE_SECONDS
        ):
            return whole
        return cls("streamed", micro_batch(stack, length, placement.device, blocks_at_once=1))

    def halved(self) -> "Schedule":
        """With half as many windows at once."""
        return replace(self, micro_batch=self.micro_batch // 2)


def _whole_fits(stack: Stack, norms: Collection[GradientNorm], placement: Placement) -> bool:
    """The weights, where they compute, and a float32 sum for each of them and each norm."""
    weights = sum(parameter.numel() for parameter in stack.model.parameters())
    sums = sum(layer.outputs * layer.inputs for layer in stack.layers) * len(norms)
    needed = weights * placement.dtype.itemsize + sums * torch.float32.itemsize
    return bool(needed <= MEMORY_SHARE * memory_of(placement.device))


def _seconds(stack: Stack, windows: Tensor, placement: Placement) -> float:
    """Forward, backward and the gradients themselves: 6 operations per weight and token."""
    weights = sum(parameter.numel() for parameter in stack.model.parameters())
    workers = torch.get_num_threads() if placement.device.type == "cpu" else 1
    return float(6 * weights * windows.numel() / (_ASSUMED_RATE[placement.device.type] * workers))
