"""The masters of a trained parameter: its weights in float32, in which a step's small change is not lost.

With the state '8-bit', a parameter in bfloat16 is the upper half of its masters, rounded to nearest; the
lower half is 16 bits besides (Split-SGD, Kalamkar et al., arXiv 2005.04680). With 'bfloat16' there is no
lower half, and each write rounds stochastically: up with the probability of the part that is cut off, so that
small changes are kept on average. The random bits depend on a counter alone, so that a training that resumes
draws the same ones.
"""

import zlib
from typing import Protocol

import torch
from torch import Tensor, nn

from pruning.estimate.pieces import STEP_WEIGHTS
from pruning.masks.packed import set_to_zero
from pruning.recipe import StateKind

_HALF = 16  # bits
_TO_NEAREST = 1 << (_HALF - 1)


class Masters(Protocol):
    """The weights of one parameter, flat; in float64 where they are stored or computed with in it."""

    dtype: torch.dtype

    def read(self, start: int, end: int) -> Tensor:
        """Return a piece. Changes in place count once they are written."""

    def write(self, start: int, values: Tensor, counter: str) -> None:
        """Store a piece, and let the model compute with it. `counter`: differs from that of other writes."""

    def state(self) -> dict[str, Tensor]:
        """Return all that the weights are restored from: tensors that may be written to."""

    def restored(self) -> None:
        """Compute with what was written to `state`."""


def masters_of(parameter: nn.Parameter, stored: Tensor, *, masked: bool, kind: StateKind) -> Masters:
    """Return the masters of a parameter, which from now on holds them, rounded.

    `stored`: the weights to start from. `masked`: zeros among them become +0.0.
    """
    dtype = torch.promote_types(stored.dtype, torch.promote_types(parameter.dtype, torch.float32))
    values = stored.detach().to(parameter.device, dtype, copy=True, memory_format=torch.contiguous_format)
    if masked:
        set_to_zero(values, values == 0)
    if kind != "float32" and parameter.dtype == torch.bfloat16 and dtype == torch.float32:
        return _InHalves(parameter, values, has_lower=kind != "bfloat16")
    return _Wide(parameter, values)


class _Wide:
    """Masters in a tensor, which is the parameter where that has the same dtype."""

    def __init__(self, parameter: nn.Parameter, values: Tensor) -> None:
        self.dtype = values.dtype
        self._parameter, self._values = parameter, values
        self._is_copied = parameter.dtype != values.dtype
        parameter.data = values.to(parameter.dtype)

    def read(self, start: int, end: int) -> Tensor:
        return self._values.view(-1)[start:end]

    def write(self, start: int, values: Tensor, counter: str) -> None:
        if self._is_copied:
            self._parameter.detach().view(-1)[start : start + len(values)] = values

    def state(self) -> dict[str, Tensor]:
        return {"master": self._values}

    def restored(self) -> None:
        self.write(0, self._values.view(-1), "")


class _InHalves:
    """Masters whose upper halves are the parameter."""

    dtype = torch.float32

    def __init__(self, parameter: nn.Parameter, values: Tensor, *, has_lower: bool) -> None:
        self._parameter = parameter
        parameter.data = torch.empty_like(values, dtype=torch.bfloat16)
        lower = torch.empty(values.numel(), dtype=torch.int16, device=values.device)
        self._lower = lower if has_lower else None
        piece = STEP_WEIGHTS[values.device.type]
        for start in range(0, values.numel(), piece):
            self._write(start, values.view(-1)[start : start + piece], _TO_NEAREST)

    def read(self, start: int, end: int) -> Tensor:
        bits = self._upper(start, end).int() << _HALF
        if self._lower is not None:
            bits += self._lower[start:end]
        return bits.view(torch.float32)

    def write(self, start: int, values: Tensor, counter: str) -> None:
        if self._lower is not None:
            self._write(start, values, _TO_NEAREST)
            return
        random = torch.Generator(values.device).manual_seed(zlib.crc32(counter.encode()))
        drawn = torch.randint(
            1 << _HALF, values.shape, generator=random, dtype=torch.int32, device=values.device
        )
        self._write(start, values, drawn)

    def _write(self, start: int, values: Tensor, added: int | Tensor) -> None:
        """`added`: to the bits of the values before the lower halves are cut off."""
        bits, end = values.view(torch.int32), start + len(values)
        upper = (bits + added) >> _HALF
        self._upper(start, end).copy_(upper)
        if self._lower is not None:  # the difference may be negative
            self._lower[start:end] = bits - (upper << _HALF)

    def state(self) -> dict[str, Tensor]:
        upper = {"upper": self._parameter.data}
        return upper if self._lower is None else {**upper, "lower": self._lower}

    def restored(self) -> None:
        """Do nothing: the state is what the model computes with."""

    def _upper(self, start: int, end: int) -> Tensor:
        return self._parameter.detach().view(-1)[start:end].view(torch.int16)
