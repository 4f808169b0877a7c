"""The gradient pass block by block: one block is on the device, whatever the number of blocks.

All windows go forward through the blocks, and what each block is given is put away. Then, from the last block
to the first, a block runs again with what it was given, the gradient at its output goes back through it and
becomes the gradient at the output of the block before, and the norms of its layers are finished.
"""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor

from pruning.gradients.activation_store import BlockInputs
from pruning.gradients.hidden_states import HiddenStates
from pruning.gradients.lm_head import LMHeadLoss
from pruning.gradients.loss import loss_scale
from pruning.gradients.mixed_precision import MixedPrecisionForward
from pruning.gradients.skip_matmul import SkippableMatmul
from pruning.gradients.window_norms import GradientNorms, WindowNorms, finished_norms
from pruning.model.blocks import Stack
from pruning.model.layers import LinearLayer
from pruning.model.placement import Placement
from pruning.model.replay import Call, Replay
from pruning.recipe import GradientNorm
from pruning.resume.store import ActivationCheckpoint

_PROBE_TOKENS = 16


def streamed_steps(stack: Stack, pieces: int) -> int:
    """How many steps a pass takes: each takes a micro-batch through a block, forward or backward."""
    lowest = next(index for index, block in enumerate(stack.blocks) if block.layers)
    return pieces * (len(stack.blocks) - 1 + len(stack.blocks) - lowest)


class StreamedPass:
    """One pass over the windows."""

    def __init__(
        self,
        replay: Replay,
        passage: MixedPrecisionForward,
        placement: Placement,
        pieces: Sequence[Tensor],
        norms: Collection[GradientNorm],
        step: Callable[[int, int], None],
    ) -> None:
        """`pieces`: micro-batches of token ids (windows, length)."""
        self._replay = replay
        self._passage = passage
        self._placement = placement
        self._pieces = pieces
        self._norms = norms
        self._loss_scale = loss_scale(placement.dtype, pieces[0].shape[1])
        self._step = step
        self._blocks = replay.stack.blocks
        self._needless = SkippableMatmul()
        self._probe = pieces[0][:1, :_PROBE_TOKENS]
        self._probe_calls: Sequence[Call] = ()
        self._done, self._steps = 0, streamed_steps(replay.stack, len(pieces))
        self._save_at = time.monotonic()

    def run(
        self,
        wanted: Collection[int],
        inputs: BlockInputs,
        activation_checkpoint: ActivationCheckpoint,
        keep: Callable[[int, GradientNorms], None],
    ) -> None:
        """Call `keep` with the norms of every block that is `wanted`, the last one first.

        `activation_checkpoint`: where a pass that was cut short left the gradient between two blocks.
        """
        top, deltas = len(self._blocks) - 1, list[Tensor]()
        if (saved := activation_checkpoint.load()) and max(wanted) <= saved[0] < top:
            top = saved[0]
            deltas = [saved[1][str(piece)] for piece in range(len(self._pieces))]
        self._forward(inputs, top)
        for index in range(top, min(wanted) - 1, -1):
            if index not in inputs:
                self._onward(inputs, inputs.kept_before(index), index, forget=False)
            norms = self._backward(index, inputs, deltas, wanted=index in wanted)
            inputs.drop(index)
            if index in wanted:
                keep(index, norms)
            if index > min(wanted):
                self._save(activation_checkpoint, index - 1, deltas)
        activation_checkpoint.drop()

    def _forward(self, inputs: BlockInputs, top: int) -> None:
        """Put away the inputs of the blocks up to `top`."""
        _, self._probe_calls = self._replay.enter(self._probe)
        for piece in self._pieces:
            inputs.append(0, self._passage.enter(piece).packed())
        self._onward(inputs, 0, top, forget=True)

    @torch.no_grad()
    def _onward(self, inputs: BlockInputs, start: int, stop: int, *, forget: bool) -> None:
        """From the input of block `start` to that of `stop`; `forget` those between that need not be kept."""
        for index in range(start, stop):
            block = self._blocks[index]
            with self._placement.resident(block.module, then=self._blocks[index + 1].module):
                for number, piece in enumerate(self._pieces):
                    output = self._passage.through(index, piece, self._fetch(inputs, index, number))
                    inputs.append(index + 1, output.packed())
                    self._took_step()
            if forget and not inputs.keeps(index):
                inputs.drop(index)

    def _backward(
        self, index: int, inputs: BlockInputs, deltas: list[Tensor], *, wanted: bool
    ) -> GradientNorms:
        """Take `deltas`, the gradients at the block's output, one per micro-batch, to its input.

        There are none yet behind the last block, where the model's tail gives them. Returns the norms of the
        block's layers, where they are `wanted`.
        """
        block = self._blocks[index]
        with ExitStack() as placed:
            before = self._blocks[index - 1].module if index else None
            placed.enter_context(self._placement.resident(block.module, then=before))
            tail = None
            if not deltas:
                placed.enter_context(self._placement.around(other.module for other in self._blocks))
                tail = LMHeadLoss(self._replay, self._loss_scale)
            needless = self._needless_product(index, inputs) if tail is None else None
            sums = {layer.name: WindowNorms(layer, self._norms) for layer in block.layers if wanted}
            for number, piece in enumerate(self._pieces):
                hidden = self._fetch(inputs, index, number).leaves()
                forming = self._passage.forming(block.layers, sums) if wanted else None
                output = self._passage.through(index, piece, hidden, forming, without=needless)
                if tail is not None:
                    deltas.append(self._at_the_top(tail, output, piece))
                delta = self._passage.unpacked(deltas[number])
                by_hidden = torch.autograd.grad(output.tensors, hidden.tensors, delta.tensors)
                deltas[number] = HiddenStates(*by_hidden).packed()
                if forming is not None:
                    forming.finish()
                self._took_step()
            return finished_norms(sums, self._norms, self._loss_scale)

    def _needless_product(self, index: int, inputs: BlockInputs) -> LinearLayer | None:
        block, call = self._blocks[index], self._probe_calls[index]
        hidden = self._fetch(inputs, index, 0).joined()[:1, : self._probe.shape[1]]
        return self._needless.product(block, lambda hidden: call(block.module, hidden), hidden)

    def _fetch(self, inputs: BlockInputs, index: int, number: int) -> HiddenStates:
        return self._passage.unpacked(inputs.fetch(index, number))

    def _at_the_top(self, tail: LMHeadLoss, output: HiddenStates, piece: Tensor) -> Tensor:
        """The gradient behind the last block, packed."""
        joined = output.joined().detach()
        return self._passage.split(tail.gradient(joined, piece.to(joined.device))).packed()

    def _took_step(self) -> None:
        self._done += 1
        self._step(min(self._done, self._steps), self._steps)  # inputs that were not kept take some more

    def _save(
        self, activation_checkpoint: ActivationCheckpoint, block: int, deltas: Sequence[Tensor]
    ) -> None:
        """Not so often that it costs more than a tenth of the time: it only saves a backward pass."""
        if time.monotonic() < self._save_at:
            return
        started = time.monotonic()
        activation_checkpoint.save(block, {str(piece): delta for piece, delta in enumerate(deltas)})
        self._save_at = time.monotonic() + 10 * (time.monotonic() - started)
