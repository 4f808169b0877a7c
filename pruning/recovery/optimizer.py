"""Adam on the weights that pruning has kept, without weight decay, and its running means in 8 bits.

Adam: Kingma and Ba, 2015, arXiv 1412.6980. The code of 8 bits is the block-wise dynamic one of Dettmers et
al. (arXiv 2110.02861): each block of 256 values is divided by its largest, and each quotient becomes the
nearest of 256 numbers. They are dense where running means are, over seven powers of ten: after the sign,
each zero bit divides by ten, the first one ends them, and the bits after it count equal parts of the way
from 0.1 to 1. A code without signs has one bit more for these parts.
"""

import math
from functools import cache
from typing import Protocol

import torch
from torch import Tensor

from pruning.masks.packed import set_to_zero
from pruning.recipe import StateKind

# Of the running means of the gradient and of its square. A recovery takes hundreds of steps, after which the
# usual 0.999 would still remember the first ones.
_BETAS = (0.9, 0.95)
# Far below the usual 1e-8: a loss that is relative to the size of hidden states has smaller gradients, whose
# steps that would shorten. Its square may underflow, since it is added to the root.
_EPSILON = 1e-15
# The least mean of squares that counts. A CPU takes the root of zero, which all pruned weights have, twelve
# times as slowly as others; this one's is a ten-thousandth of epsilon.
_MIN_SQUARE = torch.finfo(torch.float32).tiny
_WARM_UP = 0.05  # the share of the steps in which the rate rises
RATE = 5e-4
"""The highest learning rate, of a parameter whose `rate_factor` is 1."""
_MIN_SIZE = 1e-3  # of a parameter, so that one of zeros can be trained (Adafactor's ε₂)
_MIN_KEPT = 0.1  # a share that is smaller raises the rate no further


def rate_factor(size: float, kept: float) -> float:
    """Return by what the rate is multiplied for one parameter.

    A step of Adam moves each weight by about the rate, whatever the weights are, so that it moves a layer's
    output, relative to what that is, by as much as there are inputs to it, and by as much as its weights are
    small. So the rate is relative to a parameter's `size`, the root mean square of its weights with its zeros
    (Adafactor, arXiv 1804.04235, section 8), and of fewer inputs, of which it `kept` a share, it takes larger
    steps (SμPar, arXiv 2405.15743).
    """
    return max(size, _MIN_SIZE) / max(kept, _MIN_KEPT)


def adam_step(
    weight: Tensor,
    gradient: Tensor,
    moments: tuple[Tensor, Tensor],
    *,
    mask: Tensor | None,
    rate: float,
    step: int,
) -> None:
    """Change `weight` and `moments` in place by one step.

    Parameters
    ----------
    weight
        Float32 or float64, of any shape.
    gradient
        Of the loss, in the weight's shape and dtype. It is changed: zero where the mask is True.
    moments
        The running means of the gradient and of its square; zero before the first step.
    mask
        Bool, True where a weight is pruned, and so +0.0, which it stays, as its moments do. None: all weights
        are trained.
    rate
        The learning rate of this step.
    step
        The number of this step, from 1.
    """
    first, second = moments
    if mask is not None:
        set_to_zero(gradient, mask)
    first.lerp_(gradient, 1 - _BETAS[0])
    second.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
    size = second.clamp(min=_MIN_SQUARE).sqrt_().div_(math.sqrt(1 - _BETAS[1] ** step)).add_(_EPSILON)
    weight.addcdiv_(first, size, value=-rate / (1 - _BETAS[0] ** step))


def cosine(step: int, steps: int) -> float:
    """Return the rate's factor in step 1 to `steps`: it rises for a twentieth of them, then falls to 0."""
    rising = math.ceil(_WARM_UP * steps)
    if step <= rising:
        return step / rising
    return (1 + math.cos(math.pi * (step - rising) / (steps - rising + 1))) / 2


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
    """Return the midpoints of neighbours among the 256 numbers."""
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


class Moments(Protocol):
    """The running means of a parameter's gradient and of its square, flat; zero before the first step."""

    def read(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        """Return a piece of both. Changes in place count once they are written. `start`: as for `write`."""

    def write(self, start: int, first: Tensor, second: Tensor) -> None:
        """Store a piece of both from `start` on, a multiple of BLOCK."""

    def state(self) -> dict[str, Tensor]:
        """Return all that the next step depends on: tensors that may be written to."""


def moments_of(count: int, dtype: torch.dtype, device: torch.device, kind: StateKind) -> Moments:
    """Return the running means of `count` weights. `dtype`: of the masters."""
    return _Wide(count, dtype, device) if kind == "float32" else _InEightBits(count, dtype, device)


class _Wide:
    def __init__(self, count: int, dtype: torch.dtype, device: torch.device) -> None:
        self._both = tuple(torch.zeros(count, dtype=dtype, device=device) for _ in range(2))

    def read(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        first, second = self._both
        return first[start:end], second[start:end]

    def write(self, start: int, first: Tensor, second: Tensor) -> None:
        """Do nothing: the pieces are views."""

    def state(self) -> dict[str, Tensor]:
        return dict(zip(("first", "second"), self._both, strict=True))


class _InEightBits:
    def __init__(self, count: int, dtype: torch.dtype, device: torch.device) -> None:
        self._first, self._second = (CodedTensor(count, device, signed=signed) for signed in (True, False))
        self._dtype = dtype

    def read(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        return self._first.read(start, end).to(self._dtype), self._second.read(start, end).to(self._dtype)

    def write(self, start: int, first: Tensor, second: Tensor) -> None:
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
