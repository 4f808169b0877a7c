"""The block-wise dynamic code of Dettmers et al. (arXiv 2110.02861): tensors of running means in 8 bits.

Each block of 256 values is divided by its largest, and each quotient becomes the nearest of 256 numbers. They
are dense where running means are, over seven powers of ten: after the sign, each zero bit divides by ten, the
first one ends them, and the bits behind it count equal parts of the way from 0.1 to 1. A code without signs
has one bit more for these parts.
"""

from functools import cache

import torch
from torch import Tensor

BLOCK = 256
"""Values that share a scale. The publication has 2,048; its authors' library has come down to these since."""

_BITS = 7  # besides that for the sign


class CodedTensor:
    """A flat tensor in 8 bits, of which parts are read and written.

    Without `signed`, nothing is rounded to zero, but to the least number instead: where the mean of squares
    were zero and the mean that is divided by its root were not, Adam's step would have no bounds.
    """

    def __init__(self, count: int, device: torch.device, *, signed: bool) -> None:
        """`count` zeros."""
        self._signed = signed
        self.codes = torch.zeros(count, dtype=torch.uint8, device=device)
        self.scales = torch.zeros(-(-count // BLOCK), dtype=torch.float32, device=device)

    def read(self, start: int, end: int) -> Tensor:
        """Return values as float32. `start`: a multiple of BLOCK."""
        values = _numbers(self.codes.device, signed=self._signed)[self.codes[start:end].int()]
        scales = self.scales[start // BLOCK : -(-end // BLOCK)]
        return values.mul_(scales.repeat_interleave(BLOCK)[: end - start])

    def write(self, start: int, values: Tensor) -> None:
        """Store float32 values, flat, from `start` on, a multiple of BLOCK."""
        blocks = torch.nn.functional.pad(values, (0, -len(values) % BLOCK)).view(-1, BLOCK)
        scales = blocks.abs().amax(1)
        quotients = blocks / scales.clamp(min=torch.finfo(torch.float32).tiny)[:, None]
        bounds = _bounds(self.codes.device, signed=self._signed)
        nearest = torch.bucketize(quotients, bounds, out_int32=True)
        if not self._signed:
            nearest.clamp_(min=1)
        end = start + len(values)
        self.codes[start:end] = nearest.view(-1)[: len(values)]
        self.scales[start // BLOCK : -(-end // BLOCK)] = scales


@cache  # each piece of each step of a training asks for it
def _bounds(device: torch.device, *, signed: bool) -> Tensor:
    """Return what lies half-way between two neighbours of the 256 numbers."""
    numbers = _numbers(device, signed=signed)
    return (numbers[1:] + numbers[:-1]) / 2


@cache
def _numbers(device: torch.device, *, signed: bool) -> Tensor:
    """Return the 256 numbers, in ascending order; the smallest that is not negative is 0, the largest 1."""
    sizes = [0.0, 1.0]
    for zeros in range(_BITS):
        parts = 2 ** (_BITS - 1 - zeros + (not signed))
        sizes += [10.0**-zeros * (0.1 + 0.9 * (part + 0.5) / parts) for part in range(parts)]
    negative = [-size for size in sizes if 0 < size < 1] if signed else []
    return torch.tensor(sorted(negative + sizes), dtype=torch.float32, device=device)
