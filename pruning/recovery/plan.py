"""How a training is cut into steps and micro-batches, and after which steps it is judged."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

_JUDGEMENTS = 8  # besides the one before the first step: each costs a pass over the held-out windows


@dataclass(frozen=True)
class Plan:
    """The steps of one training, on each window in turn."""

    windows: Tensor  # int64 (windows, length)
    held_out: Tensor  # the same
    windows_per_step: int
    micro_batch: int  # windows that run through the model together, at most those of a step

    def halved(self) -> "Plan":
        """Return the same plan with half of the micro-batch."""
        return replace(self, micro_batch=self.micro_batch // 2)

    @property
    def steps(self) -> int:
        """The number of optimiser steps."""
        return -(-len(self.windows) // self.windows_per_step)

    def is_judged(self, step: int) -> bool:
        """Whether the state after this step is judged; step 0 is the state before the training."""
        return step % self._interval == 0 or step == self.steps

    def batches_from(self, step: int) -> Iterator[tuple[int, Tensor]]:
        """Yield the number of each step, from `step`, and its windows."""
        for number, batch in enumerate(torch.split(self.windows, self.windows_per_step), start=1):
            if number >= step:
                yield number, batch

    def micro_batches(self, windows: Tensor) -> tuple[Tensor, ...]:
        """Split the windows of a step, or the held-out ones."""
        return torch.split(windows, self.micro_batch)

    def tokens_until(self, step: int) -> int:
        """Return the tokens that have been trained on after a step."""
        length = self.windows.shape[1]
        return min(len(self.windows), step * self.windows_per_step) * length

    @property
    def passes(self) -> int:
        """How many micro-batches run through the pruned model, in training and in judgements."""
        return self.passes_until(self.steps)

    def passes_until(self, step: int) -> int:
        """Return the micro-batches that have run once this step is done and judged."""
        judged = 1 + step // self._interval + (step == self.steps and step % self._interval > 0)
        whole, rest = divmod(min(len(self.windows), step * self.windows_per_step), self.windows_per_step)
        trained = whole * self._pieces(self.windows_per_step) + self._pieces(rest)
        return trained + judged * self._pieces(len(self.held_out))

    @property
    def _interval(self) -> int:
        return -(-self.steps // _JUDGEMENTS)

    def _pieces(self, windows: int) -> int:
        return -(-windows // self.micro_batch)
