"""Passes of a model, one block at a time: without gradients for many batches, and forward and back for one.

A training pass keeps each block's input. On the way back a block runs again, so that the activations of one
block are in memory at a time; where there is room, those of some blocks are kept, with the same result.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.autograd import backward

from pruning.errors import InvalidInput
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.models.replay import Call, LogitsByPosition, Replay

Around = Callable[[nn.Module, nn.Module | None], AbstractContextManager[object]]
"""Returns what is active while a block runs. The second module is the block after it, if there is one."""


class BlockPasses:
    """A model up to its last block's output, and from there to the logits."""

    def __init__(self, placement: Placement, probe: Tensor, *, with_embeddings: bool = False) -> None:
        """Everything around the blocks must be resident, here and in calls.

        `with_embeddings`: gradients reach back to what is before the first block.

        Raises InvalidInput(field='recovery') for a model whose head sees more than the last block's output.
        """
        self._with_embeddings = with_embeddings
        self._replay = Replay(find_stack(placement.model), probe, placement)
        self._modules = self._replay.stack.modules
        self.logits = LogitsByPosition(self._replay)
        if not self.logits.are_exact:
            raise InvalidInput(
                f"{type(placement.model).__name__} cannot be trained: its logits depend on more than the "
                "last block's output; leave recovery out",
                field="recovery",
            )

    @cached_property
    def shared(self) -> frozenset[nn.Parameter]:
        """The parameters that do not belong to one block alone: a step's gradients of them are several."""
        uses = [set(module.parameters()) for module in self._modules]
        inside = {part for module in self._modules for part in module.modules()}
        around = {
            parameter
            for part in self._replay.stack.model.modules()
            if part not in inside
            for parameter in part.parameters(recurse=False)
        }
        several = {
            parameter for own in uses for parameter in own if sum(parameter in one for one in uses) > 1
        }
        return frozenset(around | several)

    def state_bytes(self, windows: Tensor) -> int:
        """Return the bytes of the last block's output for windows."""
        state = self._replay.probe_output
        return windows.numel() * state.shape[-1] * state.itemsize

    @torch.no_grad()
    def final_states(
        self, batches: Sequence[Tensor], around: Around, block_done: Callable[[], None]
    ) -> list[Tensor]:
        """Return the last block's output of each batch. Each block is active once, for all of them.

        `batches`: token ids, int64 (windows, length). `block_done`: called after each block.
        """
        hidden: list[Tensor] = []
        calls: dict[int, list[Call]] = {}  # by number of windows, on which alone they depend
        for batch in batches:
            embedded, calls[len(batch)] = self._replay.embed(batch)
            hidden.append(embedded)
        for number, module in enumerate(self._modules):
            with around(module, self._modules[number + 1] if module is not self._modules[-1] else None):
                for index, batch in enumerate(batches):
                    hidden[index] = calls[len(batch)][number](module, hidden[index])
            block_done()
        return hidden

    def backpropagate(self, tokens: Tensor, gradient_at: Callable[[Tensor], Tensor], *, graphs: int) -> None:
        """Run one batch forward and back, in which each parameter that requires a gradient gets it.

        `gradient_at`: returns the gradient of the loss at the last block's output, which it is called with.
        `graphs`: of so many blocks, the last ones, activations are kept; others run again on the way back.
        """
        with torch.enable_grad():
            embedded, calls = self._replay.embed(tokens, differentiable=self._with_embeddings)
        inputs, outputs = [embedded.detach()], list[Tensor | None]()
        for number, (module, call) in enumerate(zip(self._modules, calls, strict=True)):
            given = inputs[-1].requires_grad_(number > 0 or self._with_embeddings)
            is_kept = number >= len(self._modules) - graphs
            with torch.set_grad_enabled(is_kept):
                output = call(module, given)
            outputs.append(output if is_kept else None)
            inputs.append(output.detach())
        gradient: Tensor | None = gradient_at(inputs.pop())
        for module, call in zip(reversed(self._modules), reversed(calls), strict=True):
            given, kept = inputs.pop(), outputs.pop()
            with torch.enable_grad():
                output = call(module, given) if kept is None else kept
            if output.requires_grad:  # not of a first block in which nothing is trained
                backward(output, gradient)
            gradient = given.grad
        if self._with_embeddings:
            backward(embedded, gradient)
