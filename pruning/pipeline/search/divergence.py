"""How far a pruned model's predictions are from the dense model's, as a loss that a gradient pass takes.

The dense model's final states are computed first, so the two models are never in memory at once.
"""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from pruning.calibration.activation_walk import BlockwiseForward
from pruning.calibration.lm_head import Chunk, HeadLoss, LossFactory
from pruning.models.blocks import Stack
from pruning.models.memory import micro_batches
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.recovery.distillation import distillation_loss

FinalStates = Mapping[bytes, Tensor]
"""The last block's outputs of each window, (length, features), on the host, by the bytes of its token ids."""


@torch.no_grad()
def final_states(
    stack: Stack, windows: Tensor, placement: Placement, step: Callable[[int], None] = lambda done: None
) -> FinalStates:
    """Return the dense model's final states for token ids, int64 (windows, length).

    `step`: called with the number of finished blocks after each of them.
    """
    try:
        with placement.in_round_robin(stack.modules):
            replay = Replay(stack, windows, placement)
            pieces = micro_batches(stack, windows, backward=False, device=placement.device)
            with BlockwiseForward(replay, pieces) as forward:
                for index, block in enumerate(stack.blocks):
                    with placement.resident(block.module, then=stack.module_after(index)):
                        forward.advance(index)
                    step(index + 1)
                states = torch.cat([states.cpu() for states in forward.state().values()])
    finally:
        placement.end_stage()
    return {_key(window): of_window for window, of_window in zip(windows, states, strict=True)}


def divergence(states: FinalStates) -> LossFactory:
    """Return what makes the loss of a window: the mean of KL(dense ‖ pruned) over its positions, in nats.

    `states`: the dense model's. The pruned model must have the dense one's final norm and head.
    """
    return partial(_Divergence, states=states)


class _Divergence(HeadLoss):
    def __init__(self, replay: Replay, loss_scale: int, states: FinalStates) -> None:
        super().__init__(replay, loss_scale)
        self._states = states

    def _gradient_at_logits(self, tokens: Tensor) -> Callable[[Tensor, Chunk], Tensor]:
        weight = self._loss_scale / tokens.shape[1]
        states = torch.stack([self._states[_key(window)] for window in tokens]).to(tokens.device)

        @torch.no_grad()
        def at_logits(logits: Tensor, chunk: Chunk) -> Tensor:
            dense = self._logits(states[chunk]).flatten(0, 1)
            return distillation_loss(logits, dense, weight)[0]

        return at_logits


def _key(window: Tensor) -> bytes:
    return window.cpu().numpy().tobytes()
