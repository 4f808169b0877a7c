"""The streamed schedule: one block on the device at a time, however many blocks the model has.

1. Forward: all windows run through the blocks, and each block's input is stored.
2. Backward, from the last block to the first: the block runs again on its stored input, the gradient at its
   output is propagated to its input, and the norms of its layers are finished.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor

from pruning.gradients.activation_store import ActivationStore, Deltas
from pruning.gradients.hidden_states import HiddenStates
from pruning.gradients.lm_head import LMHeadLoss
from pruning.gradients.loss import loss_scale
from pruning.gradients.mixed_precision import MixedPrecisionForward
from pruning.gradients.shards import BlockShards
from pruning.gradients.skip_matmul import SkippableMatmul
from pruning.gradients.window_norms import GradientNorms, PassSums
from pruning.model.blocks import Stack
from pruning.model.layers import LinearLayer
from pruning.model.placement import Placement
from pruning.model.replay import Call, Replay
from pruning.recipe import GradientNorm
from pruning.resume.store import ActivationCheckpoint
from pruning.resume.throttle import SaveThrottle

_PROBE_TOKENS = 16


def streamed_steps(stack: Stack, micro_batches: int) -> int:
    """Return the number of steps of a pass; each runs one micro-batch through one block, either way."""
    lowest = next(index for index, block in enumerate(stack.blocks) if block.layers)
    return micro_batches * (len(stack.blocks) - 1 + len(stack.blocks) - lowest)


class StreamedPass:
    """One streamed pass over the windows.

    Deltas are the gradients at a block's output or input: one packed tensor per micro-batch, stored where the
    blocks' inputs are.
    """

    def __init__(
        self,
        replay: Replay,
        forward: MixedPrecisionForward,
        placement: Placement,
        micro_batches: Sequence[Tensor],
        norms: Collection[GradientNorm],
        step: Callable[[int, int], None],
    ) -> None:
        """`micro_batches`: token ids, int64 (windows, length) each."""
        self._replay = replay
        self._forward = forward
        self._placement = placement
        self._micro_batches = micro_batches
        self._norms = norms
        self._loss_scale = loss_scale(placement.dtype, micro_batches[0].shape[1])
        self._step = step
        self._blocks = replay.stack.blocks
        self._skippable = SkippableMatmul()
        self._probe = micro_batches[0][:1, :_PROBE_TOKENS]
        self._probe_calls: Sequence[Call] = ()
        self._done, self._steps = 0, streamed_steps(replay.stack, len(micro_batches))
        self._throttle = SaveThrottle()

    def run(
        self,
        missing: Collection[int],
        inputs: ActivationStore,
        checkpoint: ActivationCheckpoint,
        shards: BlockShards,
        surroundings: ExitStack,
    ) -> None:
        """Compute the norms of the `missing` blocks, the last one first, and put them into `shards`.

        `inputs`: an empty store for the blocks' inputs and the deltas. `checkpoint`: holds the deltas between
        two blocks, and those of an interrupted pass are continued from. `surroundings`: keeps everything but
        the blocks resident, from the embeddings to the loss, and is closed when that has been taken.
        """
        top = len(self._blocks) - 1
        if (saved := checkpoint.load()) and max(missing) <= saved[0] < top:
            top = saved[0]
            for number in range(len(self._micro_batches)):
                inputs.deltas.put(number, saved[1][str(number)])
        self._store_inputs(inputs, top)
        for index in range(top, min(missing) - 1, -1):
            if index not in inputs:
                self._recompute_input(inputs, index)
            below = _needed_after(index, min(missing), inputs)
            norms = self._backward(index, inputs, below, with_norms=index in missing)
            surroundings.close()
            inputs.drop(index)
            if index in missing:
                shards.put(index, norms)
            del norms  # while the block below computes, its memory is needed
            if index > min(missing):
                self._save(checkpoint, index - 1, inputs.deltas, shards)
        shards.drain()
        checkpoint.drop()

    def _store_inputs(self, inputs: ActivationStore, top: int) -> None:
        """Run the forward pass up to block `top`, storing the inputs that fit."""
        _, self._probe_calls = self._replay.embed(self._probe)
        for micro_batch in self._micro_batches:
            inputs.append(0, self._forward.embed(micro_batch).pack())
        for index in range(top):
            self._run_forward(inputs, index)
            if not inputs.retains(index):
                inputs.drop(index)

    def _recompute_input(self, inputs: ActivationStore, block: int) -> None:
        """Run forward again from the nearest stored input below `block`."""
        for index in range(inputs.nearest_below(block), block):
            self._run_forward(inputs, index)

    @torch.no_grad()
    def _run_forward(self, inputs: ActivationStore, index: int) -> None:
        """Run all windows through block `index`, and store the input of the next block."""
        block = self._blocks[index]
        with self._placement.resident(block.module, then=self._blocks[index + 1].module):
            for number, micro_batch in enumerate(self._micro_batches):
                hidden = self._fetch(inputs, index, number)
                output = self._forward.run_block(index, micro_batch, hidden)
                inputs.append(index + 1, output.pack())
                self._count_step()

    def _backward(
        self, index: int, inputs: ActivationStore, below: int | None, *, with_norms: bool
    ) -> GradientNorms:
        """Propagate the deltas from the output of block `index` to its input.

        Where there are none, this is the last block: they start with the gradient of the loss. `below`: the
        block that is needed next. Returns the norms of the block's layers; none without `with_norms`.
        """
        block, deltas = self._blocks[index], inputs.deltas
        then = None if below is None else self._blocks[below].module
        with self._placement.resident(block.module, then=then):
            head = None if deltas else LMHeadLoss(self._replay, self._loss_scale)
            # The loss reads the last block's output, so nothing can be skipped there.
            skip = self._skippable_layer(index, inputs) if head is None else None
            sums = PassSums(block.layers if with_norms else (), self._norms)
            for number, micro_batch in enumerate(self._micro_batches):
                hidden = self._fetch(inputs, index, number).as_leaves()
                accumulator = self._forward.accumulator(sums) if with_norms else None
                output = self._forward.run_block(index, micro_batch, hidden, accumulator, skip=skip)
                delta = deltas[str(number)] if head is None else self._loss_delta(head, output, micro_batch)
                at_output = self._forward.unpack(delta)
                at_input = torch.autograd.grad(output.tensors, hidden.tensors, at_output.tensors)
                deltas.put(number, HiddenStates(*at_input).pack())
                if accumulator is not None:
                    accumulator.check_complete()
                self._count_step()
            return sums.finish(self._loss_scale)

    def _skippable_layer(self, index: int, inputs: ActivationStore) -> LinearLayer | None:
        block, call = self._blocks[index], self._probe_calls[index]
        hidden = self._fetch(inputs, index, 0).join()[:1, : self._probe.shape[1]]
        return self._skippable.find(block, lambda hidden: call(block.module, hidden), hidden)

    def _fetch(self, inputs: ActivationStore, index: int, number: int) -> HiddenStates:
        return self._forward.unpack(inputs.fetch(index, number))

    def _loss_delta(self, head: LMHeadLoss, output: HiddenStates, micro_batch: Tensor) -> Tensor:
        """Return the loss gradient at the last block's output, packed."""
        joined = output.join().detach()
        return self._forward.split(head.gradient(joined, micro_batch.to(joined.device))).pack()

    def _count_step(self) -> None:
        self._done += 1
        self._step(min(self._done, self._steps), self._steps)  # recomputing inputs takes uncounted steps

    def _save(
        self, checkpoint: ActivationCheckpoint, block: int, deltas: Deltas, shards: BlockShards
    ) -> None:
        """Save the deltas if that is worth it: they only spare a backward pass.

        The shards of the blocks above come first: deltas below a block that is not durable are of no use.
        """
        if self._throttle.is_due(deltas.nbytes):
            with self._throttle.saving():
                shards.drain()
                checkpoint.save(block, deltas.on_host())


def _needed_after(index: int, lowest: int, inputs: ActivationStore) -> int | None:
    """Return the block that runs after the backward pass of block `index`; none after the `lowest`.

    Where the input of the block below is not stored, that is the one from which it is recomputed.
    """
    if index == lowest:
        return None
    return index - 1 if index - 1 in inputs else inputs.nearest_below(index - 1)
