"""Adam's running means of one parameter: in the dtype of its master, or in 8 bits."""

from typing import Protocol

import torch
from torch import Tensor

from pruning.recipe import MomentsKind
from pruning.recovery.adam import adam_step
from pruning.recovery.dynamic_code import BLOCK, CodedTensor

_PIECE = BLOCK * 2**12  # the weights whose means are in float32 at a time


class Moments(Protocol):
    """The running means of a parameter's gradient and of its square; zero before the first step."""

    def step(self, weight: Tensor, gradient: Tensor, *, mask: Tensor | None, rate: float, step: int) -> None:
        """Change `weight` in place by one step; the arguments are those of `adam_step`."""

    def state(self) -> dict[str, Tensor]:
        """Return all that the next step depends on: tensors that may be written to."""


def moments_of(master: Tensor, kind: MomentsKind) -> Moments:
    """Return the running means of a parameter, of this kind."""
    return _InEightBits(master) if kind == "8-bit" else _AsTheMaster(master)


class _AsTheMaster:
    def __init__(self, master: Tensor) -> None:
        self._both = torch.zeros_like(master), torch.zeros_like(master)

    def step(self, weight: Tensor, gradient: Tensor, *, mask: Tensor | None, rate: float, step: int) -> None:
        adam_step(weight, gradient, self._both, mask=mask, rate=rate, step=step)

    def state(self) -> dict[str, Tensor]:
        return dict(zip(("first", "second"), self._both, strict=True))


class _InEightBits:
    """Reads a piece of both, takes its step, and writes them back."""

    def __init__(self, master: Tensor) -> None:
        self._first = CodedTensor(master.numel(), master.device, signed=True)
        self._second = CodedTensor(master.numel(), master.device, signed=False)

    def step(self, weight: Tensor, gradient: Tensor, *, mask: Tensor | None, rate: float, step: int) -> None:
        weights, gradients = weight.view(-1), gradient.view(-1)
        masks = None if mask is None else mask.reshape(-1)
        for start in range(0, len(weights), _PIECE):
            end = min(len(weights), start + _PIECE)
            first, second = (means.read(start, end).to(weight.dtype) for means in (self._first, self._second))
            adam_step(
                weights[start:end],
                gradients[start:end],
                (first, second),
                mask=None if masks is None else masks[start:end],
                rate=rate,
                step=step,
            )
            self._first.write(start, first.float())
            self._second.write(start, second.float())

    def state(self) -> dict[str, Tensor]:
        first, second = self._first, self._second
        return {
            "first": first.codes,
            "first scales": first.scales,
            "second": second.codes,
            "second scales": second.scales,
        }
