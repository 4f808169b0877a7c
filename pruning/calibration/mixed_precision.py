"""The forward pass of a gradient computation in a narrow dtype, with each window's first tokens in float32.

Language models park unused attention on one or two of a window's first tokens, whose hidden states grow to a
hundred times the others' (Sun et al., arXiv 2402.17762). The gradient there is the small remainder of a large
cancellation, and yet it makes up a good part of the early blocks' norms: a forward pass rounded to bfloat16
changes it by tens of per cent, while rounding at all other tokens has little effect. So the first tokens run
through every block separately, in float32; causal attention allows it, since no later token affects them. The
others see them rounded.

A block's last product only feeds its output, which the forward pass has computed before. Where the backward
pass does not need that product, skipping it saves a fair part of the recomputation. Whether it can be skipped
depends on the architecture (a norm after it needs it, a residual sum does not), so it is tried on a few
tokens.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pruning.calibration.lm_head import loss_scale
from pruning.calibration.window_norms import GateAccumulator, GradientAccumulator, PassSums, WindowColumns
from pruning.estimate.pieces import FLOAT32_TOKENS
from pruning.models.blocks import Block
from pruning.models.hooks import LayerCall, Observer, observing
from pruning.models.layers import LinearLayer, ModuleLayer
from pruning.models.module_calls import replaced_forward
from pruning.models.placement import Placement
from pruning.models.replay import Call, Replay
from pruning.models.upcast import BlockInFloat32
from pruning.progress import Step
from pruning.recipe import GradientNorm
from pruning.runtime.copy_streams import DeviceTransfers


def float32_tokens(dtype: torch.dtype, length: int) -> int:
    """Return how many first tokens of a window run in float32 in a pass in `dtype`; 0 in wide dtypes."""
    return min(FLOAT32_TOKENS, length - 1) if dtype.itemsize < torch.float32.itemsize else 0


@dataclass(frozen=True)
class HiddenStates:
    """A micro-batch's hidden states between two blocks, or the gradient with respect to them."""

    rest: Tensor  # (windows, tokens, features), in the pass's dtype: the tokens after `first`, or all of them
    first: Tensor | None = None  # (windows, tokens, features), float32; None: all tokens are in `rest`

    @classmethod
    def split(cls, states: Tensor, first: int) -> "HiddenStates":
        """Split (windows, tokens, features) after the `first` tokens, and cast those to float32."""
        return cls(states[:, first:], states[:, :first].float()) if first else cls(states)

    @classmethod
    def unpack(cls, packed: Tensor, first: int) -> "HiddenStates":
        """Undo `pack`, given the number of `first` tokens."""
        if not first:
            return cls(packed)
        rows = torch.float32.itemsize // packed.itemsize * first
        pairs = packed[:, :rows].reshape(len(packed), first, -1)
        return cls(packed[:, rows:], pairs.view(torch.float32))

    def pack(self) -> Tensor:
        """Return all tokens in one narrow tensor, bit for bit: a float32 token takes the rows of two."""
        if self.first is None:
            return self.rest
        features = self.rest.shape[-1]
        pairs = self.first.contiguous().view(self.rest.dtype).view(len(self.first), -1, features)
        return torch.cat([pairs, self.rest], dim=1)

    def join(self) -> Tensor:
        """Return all tokens, (windows, tokens, features), cast to the narrow dtype. Differentiable."""
        if self.first is None:
            return self.rest
        return torch.cat([self.first.to(self.rest.dtype), self.rest], dim=1)

    def to(self, device: torch.device) -> "HiddenStates":
        """Return the same values on `device`."""
        return HiddenStates(self.rest.to(device), None if self.first is None else self.first.to(device))

    def transfer(self, transfers: DeviceTransfers, device: torch.device) -> "PendingStates":
        """Begin to copy the values to `device`; return a function that returns the copy."""
        pending = [transfers.begin(tensor, device) for tensor in self.tensors]
        return lambda: HiddenStates(*(tensor() for tensor in pending))

    def as_leaves(self) -> "HiddenStates":
        """Return the same values as autograd leaves that require gradients."""
        first = None if self.first is None else self.first.detach().requires_grad_()
        return HiddenStates(self.rest.detach().requires_grad_(), first)

    @property
    def tensors(self) -> list[Tensor]:
        """`rest`, and `first` where there is one: what autograd differentiates."""
        return [self.rest] if self.first is None else [self.rest, self.first]


PendingStates = Callable[[], HiddenStates]
"""Returns copied hidden states; see `DeviceTransfers.begin`."""


@contextmanager
def skipped_matmul(layer: LinearLayer | None) -> Iterator[None]:
    """While active, the layer returns zeros, but gradients flow through it as usual. None: skip nothing."""
    if layer is None:
        yield
        return

    def forward(inputs: Tensor) -> Tensor:
        zeros: Tensor = _ZeroMatmul.apply(inputs, layer.matrix)  # type: ignore[no-untyped-call]
        return zeros

    with replaced_forward(layer.module, forward):
        yield


class _ZeroMatmul(torch.autograd.Function):
    """Zeros in the forward pass; the gradient of x·Wᵀ with respect to x in the backward pass."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, matrix: Tensor) -> Tensor:  # noqa: ANN401 - autograd's context
        ctx.save_for_backward(matrix)
        return inputs.new_zeros(*inputs.shape[:-1], len(matrix))

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - autograd's context
        (matrix,), (delta,) = ctx.saved_tensors, upstream
        return (delta.reshape(-1, len(matrix)) @ matrix).view(*delta.shape[:-1], matrix.shape[1]), None


class SkippableMatmul:
    """Finds each block's skippable product, with one trial per kind of block."""

    def __init__(self) -> None:
        self._name_by_kind: dict[object, str | None] = {}

    def find(self, block: Block, run: Callable[[Tensor], Tensor], hidden: Tensor) -> LinearLayer | None:
        """Return the layer whose product can be skipped, or None.

        `run` calls the block on `hidden`, a probe of (1, tokens, features).
        """
        parameters = block.module.named_parameters()
        kind = (
            type(block.module),
            tuple((name, parameter.shape) for name, parameter in parameters),
            tuple(layer.name.removeprefix(block.name) for layer in block.layers),
        )
        if kind not in self._name_by_kind:
            layer = _last_called(block.layers, run, hidden)
            with_all, without = (_gradients(block.layers, skip, run, hidden) for skip in (None, layer))
            can_skip = layer is not None and all(map(torch.equal, with_all, without))
            self._name_by_kind[kind] = layer.name.removeprefix(block.name) if layer and can_skip else None
        name = self._name_by_kind[kind]
        return next((layer for layer in block.layers if layer.name.removeprefix(block.name) == name), None)


def _last_called(
    layers: Sequence[LinearLayer], run: Callable[[Tensor], Tensor], hidden: Tensor
) -> ModuleLayer | None:
    """Return the layer that is called last, if it is a module."""
    called: list[LinearLayer] = []

    class RecordCalls(Observer):
        def before(self, call: LayerCall) -> None:
            called.append(call.layer)

    with torch.no_grad(), observing(layers, hidden[..., 0], RecordCalls()):
        run(hidden)
    return called[-1] if called and isinstance(called[-1], ModuleLayer) else None


def _gradients(
    layers: Sequence[LinearLayer],
    skip: LinearLayer | None,
    run: Callable[[Tensor], Tensor],
    hidden: Tensor,
) -> list[Tensor]:
    """Return a probe function's gradient at the block's input, and those of all layers, squared, by input."""
    leaf = hidden.detach().requires_grad_()
    sums = {layer.name: WindowColumns(layer) for layer in layers}
    accumulator = GradientAccumulator(layers, sums)
    with torch.enable_grad(), skipped_matmul(skip), observing(layers, hidden[..., 0], accumulator):
        output = run(leaf)
        delta = torch.linspace(-1, 1, output.numel(), dtype=output.dtype, device=output.device)
        (at_input,) = torch.autograd.grad(output, leaf, delta.view_as(output))
    accumulator.check_complete()
    return [at_input, *(columns.finish(1) for columns in sums.values())]


class MixedPrecisionForward:
    """Runs micro-batches through the blocks one at a time, under autograd or without it."""

    def __init__(self, replay: Replay, float32_tokens: int) -> None:
        """`float32_tokens`: how many first tokens of each window run in float32; 0 in a wide dtype."""
        self._replay = replay
        self._first = float32_tokens
        # By number of windows: arguments such as masks depend on nothing else of a micro-batch.
        self._calls: dict[int, Sequence[Call]] = {}
        self._first_calls: dict[int, Sequence[Call]] = {}
        self._upcast_block: tuple[int, BlockInFloat32] | None = None

    def embed(self, tokens: Tensor) -> HiddenStates:
        """Return the input of the first block for token ids (windows, length)."""
        hidden, calls = self._replay.embed(tokens)
        self._calls.setdefault(len(tokens), calls)  # keeps the first, whose arguments may have copies
        if not self._first:
            return HiddenStates(hidden)
        first, calls = self._replay.embed(tokens[:, : self._first], float32=True)
        self._first_calls.setdefault(len(tokens), calls)
        return HiddenStates(hidden[:, self._first :], first)

    def run_block(
        self,
        index: int,
        tokens: Tensor,
        hidden: HiddenStates,
        observer: Observer | None = None,
        *,
        skip: LinearLayer | None = None,
    ) -> HiddenStates:
        """Return the output of block `index` for its input `hidden`.

        `tokens`: the micro-batch's ids; one of its size must have been embedded. `observer` sees every call
        of the block's selected layers: one for all tokens, and one more for the float32 tokens. With `skip`,
        the product of that layer is computed for the float32 tokens only.
        """
        block = self._replay.stack.blocks[index]
        # Observe even without an observer: it makes fused experts run one by one, and their sums round
        # differently in one grouped product.
        observed_by = observer or Observer()
        with skipped_matmul(skip), observing(block.layers, tokens, observed_by):
            output = self._calls[len(tokens)][index](block.module, hidden.join())
        if hidden.first is None:
            return HiddenStates(output)
        with observing(block.layers, tokens[:, : self._first], observed_by):
            first = self._first_calls[len(tokens)][index](self._in_float32(index), hidden.first)
        return HiddenStates(output[:, self._first :], first)

    def _in_float32(self, index: int) -> BlockInFloat32:
        if self._upcast_block is not None and self._upcast_block[0] == index:
            return self._upcast_block[1]
        if self._upcast_block is not None:
            self._upcast_block[1].release()
        self._upcast_block = index, BlockInFloat32(self._replay.stack.blocks[index])
        return self._upcast_block[1]

    def accumulator(self, sums: PassSums) -> GradientAccumulator | GateAccumulator:
        """Return the observer that adds one micro-batch's gradients to `sums` during its backward pass."""
        return sums.accumulator(calls_per_layer=2 if self._first else 1)

    def unpack(self, packed: Tensor) -> HiddenStates:
        """Undo `HiddenStates.pack`."""
        return HiddenStates.unpack(packed, self._first)

    def split(self, states: Tensor) -> HiddenStates:
        """Split off the float32 tokens; see `HiddenStates.split`."""
        return HiddenStates.split(states, self._first)


@dataclass(frozen=True)
class PassInputs:
    """What a gradient pass on either schedule needs."""

    replay: Replay
    placement: Placement
    micro_batches: Sequence[Tensor]  # token ids, int64 (windows, length) each
    norms: Collection[GradientNorm]
    step: Step

    def forward(self) -> MixedPrecisionForward:
        """Return the forward pass."""
        length = self.micro_batches[0].shape[1]
        return MixedPrecisionForward(self.replay, float32_tokens(self.placement.dtype, length))

    @property
    def loss_scale(self) -> int:
        """The factor by which losses are scaled."""
        return loss_scale(self.placement.dtype, self.micro_batches[0].shape[1])
