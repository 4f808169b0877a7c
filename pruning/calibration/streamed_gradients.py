"""The streamed schedule: one block on the device at a time, however many blocks the model has.

1. Forward: all windows run through the blocks, and each block's input is stored.
2. Backward, from the last block to the first: the block runs again on its stored input, the gradient at its
   output is propagated to its input, and the norms of its layers are finished.

Several devices take the blocks in turn: as many blocks as there are devices are a group, and a micro-batch
runs through all of it before the next one. So a device takes a micro-batch as soon as the one before is done.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, ExitStack

import torch
from torch import Tensor

from pruning.calibration.activation_store import ActivationStore, Deltas
from pruning.calibration.gradient_files import BlockShards
from pruning.calibration.lm_head import LMHeadLoss
from pruning.calibration.mixed_precision import HiddenStates, PassInputs, SkippableMatmul
from pruning.calibration.window_norms import GradientNorms, PassSums
from pruning.models.blocks import Stack
from pruning.models.layers import LinearLayer
from pruning.models.replay import Call
from pruning.resume.store import ActivationCheckpoint, SaveThrottle

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

    def __init__(self, inputs: PassInputs) -> None:
        replay, placement, micro_batches = inputs.replay, inputs.placement, inputs.micro_batches
        self._replay = replay
        self._forward = inputs.forward()
        self._placement = placement
        self._micro_batches = micro_batches
        self._norms = inputs.norms
        self._loss_scale = inputs.loss_scale
        self._step = inputs.step
        self._blocks = replay.stack.blocks
        self._skippable = SkippableMatmul()
        self._probe = micro_batches[0][:1, :_PROBE_TOKENS]
        self._probe_calls: Sequence[Call] = ()
        self._done, self._steps = 0, streamed_steps(replay.stack, len(micro_batches))
        self._throttle = SaveThrottle()
        self._group_size = len(set(map(placement.device_of, replay.stack.modules)))  # blocks per group

    def run(
        self,
        missing: Collection[int],
        inputs: ActivationStore,
        checkpoint: ActivationCheckpoint,
        shards: BlockShards,
        outer_modules: ExitStack,
    ) -> None:
        """Compute the norms of the `missing` blocks, the last one first, and put them into `shards`.

        `inputs`: an empty store for the blocks' inputs and the deltas. `checkpoint`: holds the deltas between
        two blocks, and those of an interrupted pass are continued from. `outer_modules`: keeps embeddings,
        final norm and head resident, and is closed after the loss.
        """
        top = len(self._blocks) - 1
        if (saved := checkpoint.load()) and max(missing) <= saved[0] < top:
            top = saved[0]
            for number in range(len(self._micro_batches)):
                inputs.deltas.put(number, saved[1][str(number)])
        self._store_inputs(inputs, top)
        lowest = min(missing)
        while top >= lowest:
            if top not in inputs:
                self._run_forward(inputs, inputs.nearest_below(top), top, store_all=True)
            group = _stored_group(top, lowest, inputs, self._group_size)
            norms = self._backward(group, _needed_after(group, lowest, inputs), inputs, missing)
            outer_modules.close()
            for index in group:
                inputs.drop(index)
            while norms:  # frees their memory for the blocks below
                shards.put(*norms.pop(0))
            top = group[-1] - 1
            if top >= lowest:
                self._save(checkpoint, top, inputs.deltas, shards)
        shards.drain()
        checkpoint.drop()

    def _store_inputs(self, inputs: ActivationStore, top: int) -> None:
        """Run the forward pass up to block `top`, storing the inputs that fit."""
        _, self._probe_calls = self._replay.embed(self._probe)
        for micro_batch in self._micro_batches:
            inputs.append(0, self._forward.embed(micro_batch).pack())
        self._run_forward(inputs, 0, top, store_all=False)

    @torch.no_grad()
    def _run_forward(self, inputs: ActivationStore, start: int, end: int, *, store_all: bool) -> None:
        """Run all windows from the stored input of block `start` to that of block `end`, group by group.

        Of the inputs between, those that the store retains are stored, or all of them.
        """
        for first in range(start, end, self._group_size):
            group = range(first, min(first + self._group_size, end))
            with ExitStack() as resident:
                for index in group:
                    following = index + self._group_size
                    resident.enter_context(self._resident(index, following if following <= end else None))
                for number, micro_batch in enumerate(self._micro_batches):
                    hidden = self._fetch(inputs, first, number)
                    for index in group:
                        output = self._forward.run_block(index, micro_batch, hidden)
                        hidden = output.to(self._device_of(index + 1))
                        if store_all or index == group[-1] or inputs.retains(index + 1):
                            inputs.append(index + 1, hidden.pack())
                        self._count_step()
            for index in group:
                if not store_all and not inputs.retains(index):
                    inputs.drop(index)

    def _backward(
        self,
        group: Sequence[int],
        following: Sequence[int | None],
        inputs: ActivationStore,
        missing: Collection[int],
    ) -> list[tuple[int, GradientNorms]]:
        """Propagate the deltas from the output of a group's first block to the input of its last.

        Where there are none, the first is the last block of the model: they start with the gradient of the
        loss. `group`: blocks that follow each other downwards. `following`: for each, the block that its
        device needs next. Returns the norms of those that are `missing`.
        """
        deltas = inputs.deltas
        with ExitStack() as resident:
            for index, then in zip(group, following, strict=True):
                resident.enter_context(self._resident(index, then))
            head = None if deltas else LMHeadLoss(self._replay, self._loss_scale)
            # The loss needs the last block's output, so nothing can be skipped there.
            skips = [
                self._skippable_layer(index, inputs) if head is None or index != group[0] else None
                for index in group
            ]
            wanted = (index for index in group if index in missing)
            sums = {index: PassSums(self._blocks[index].layers, self._norms) for index in wanted}
            for number, micro_batch in enumerate(self._micro_batches):
                delta = None if head is not None else self._forward.unpack(deltas[str(number)])
                for index, skip in zip(group, skips, strict=True):
                    hidden = self._fetch(inputs, index, number).as_leaves()
                    accumulator = self._forward.accumulator(sums[index]) if index in sums else None
                    output = self._forward.run_block(index, micro_batch, hidden, accumulator, skip=skip)
                    if delta is None:
                        assert head is not None  # noqa: S101 - it gives the first delta
                        delta = self._loss_delta(head, output, micro_batch)
                    at_output = delta.to(output.rest.device)
                    delta = HiddenStates(
                        *torch.autograd.grad(output.tensors, hidden.tensors, at_output.tensors)
                    )
                    if accumulator is not None:
                        accumulator.check_complete()
                    self._count_step()
                assert delta is not None  # noqa: S101 - a group has a block
                deltas.put(number, delta.pack())
            return [(index, of_block.finish(self._loss_scale)) for index, of_block in sums.items()]

    def _resident(self, index: int, then: int | None) -> AbstractContextManager[None]:
        following = None if then is None else self._blocks[then].module
        return self._placement.resident(self._blocks[index].module, then=following)

    def _skippable_layer(self, index: int, inputs: ActivationStore) -> LinearLayer | None:
        block, call = self._blocks[index], self._probe_calls[index]
        hidden = self._fetch(inputs, index, 0).join()[:1, : self._probe.shape[1]]
        return self._skippable.find(block, lambda hidden: call(block.module, hidden), hidden)

    def _fetch(self, inputs: ActivationStore, index: int, number: int) -> HiddenStates:
        """Return a micro-batch of a block's input on the block's device."""
        return self._forward.unpack(inputs.fetch(index, number).to(self._device_of(index)))

    def _device_of(self, index: int) -> torch.device:
        return self._placement.device_of(self._blocks[index].module)

    def _loss_delta(self, head: LMHeadLoss, output: HiddenStates, micro_batch: Tensor) -> HiddenStates:
        """Return the loss gradient at the last block's output."""
        joined = output.join().detach()
        with self._placement.outer_modules_on(joined.device, self._replay.stack.modules):
            return self._forward.split(head.gradient(joined, micro_batch.to(joined.device)))

    def _count_step(self) -> None:
        self._done += 1
        self._step(min(self._done, self._steps), self._steps)  # recomputing inputs takes uncounted steps

    def _save(
        self, checkpoint: ActivationCheckpoint, block: int, deltas: Deltas, shards: BlockShards
    ) -> None:
        """Save the deltas if a checkpoint is due: they can also be recomputed.

        The shards of the blocks above come first: deltas below a block that is not durable cannot be used.
        """
        if self._throttle.is_due(deltas.nbytes):
            with self._throttle.saving():
                shards.drain()
                checkpoint.save(block, deltas.on_host())


def _stored_group(top: int, lowest: int, inputs: ActivationStore, count: int) -> list[int]:
    """Return at most `count` blocks from `top` downwards, none below `lowest`, whose inputs are stored."""
    group = [top]
    while len(group) < count and group[-1] > lowest and group[-1] - 1 in inputs:
        group.append(group[-1] - 1)
    return group


def _needed_after(group: Sequence[int], lowest: int, inputs: ActivationStore) -> list[int | None]:
    """Return for each block of a group the one that its device runs after it; none below the `lowest`.

    Where the input of the block below the group is not stored, the next to run is the block from which it is
    recomputed.
    """
    below = group[-1] - 1
    if below < lowest:
        return [None] * len(group)
    if below not in inputs:
        return [inputs.nearest_below(below), *[None] * (len(group) - 1)]
    following = [index - len(group) for index in group]
    return [index if index >= lowest and index in inputs else None for index in following]
