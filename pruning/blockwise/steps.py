"""The steps of pruning, for its progress."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from pruning.model.batching import micro_batches
from pruning.model.blocks import Stack
from pruning.recipe import BlockRecoveryOptions
from pruning.recovery.blocks import TrainingSetting, passes_of_block


@dataclass(frozen=True)
class PruneSteps:
    """A block is one step; where blocks are trained, so is each micro-batch of that."""

    blocks: int
    of_training: int  # micro-batches of one block

    @classmethod
    def of(
        cls,
        options: BlockRecoveryOptions | None,
        stack: Stack,
        windows: Tensor | None,
        training: TrainingSetting,
        device: torch.device,
    ) -> Self:
        """Return the steps of a recipe that trains its blocks by `options`; None for one that does not.

        `windows`: as for `prune_blocks`. `device`: that computes.
        """
        if options is None or windows is None or training.held_out is None:
            return cls(len(stack.blocks), 0)
        at_once = len(micro_batches(stack, windows, backward=False, device=device)[0])
        passes = passes_of_block(options, len(windows), len(training.held_out), at_once)
        return cls(len(stack.blocks), passes)

    @property
    def total(self) -> int:
        """All steps."""
        return self.until(self.blocks)

    def until(self, block: int, micro_batches: int = 0) -> int:
        """Return the steps when the blocks before `block` are done, and some micro-batches for it."""
        return block * (1 + self.of_training) + micro_batches
