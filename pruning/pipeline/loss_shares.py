"""The share of each layer in the divergence of a pruned model from the dense one, by one backward pass.

The loss of a window is the mean of KL(dense ‖ pruned) over its positions. The final states of the dense
model are computed first, so that the two models are never in memory at once.

With W the dense weights of a layer, W' its pruned ones and G the gradient of the loss of a window at W',
the share is ½·⟨G, W' - W⟩. Were the loss quadratic around the dense weights, where it and its gradient are
0, the shares of all layers would add up to it: L(x) = ½xᵀHx has the gradient Hx, and L = ½·⟨∇L, x⟩.

G is δᵀx, so that ⟨G, W' - W⟩ = Σ_t δ_t·(W' - W)x_t over the tokens of the window: no gradient is formed.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from pruning.calibration.activation_walk import BlockwiseForward
from pruning.calibration.gradient_factors import GradientFactors
from pruning.calibration.lm_head import Chunk, HeadLoss, LossFactory
from pruning.calibration.window_norms import GradientAccumulator, GradientNorms, SumsFactory
from pruning.errors import NumericalFailure
from pruning.models.blocks import Stack
from pruning.models.layers import LinearLayer
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
    """Return a factory of the loss of a window: the mean of KL(dense ‖ pruned) over its positions, in nats.

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


def shares_of(stack: Stack, placement: Placement) -> SumsFactory:
    """Return a factory of the sums of a pass over the pruned model: each layer's share of each window's loss.

    `stack`, `placement`: of the dense model, which stays on the host.
    """
    dense = {layer.name: layer for layer in stack.layers}
    return partial(_Shares, dense=dense, placement=placement)


class _Shares:
    """The shares of some layers; see `LayerSums`."""

    def __init__(
        self, layers: Sequence[LinearLayer], dense: Mapping[str, LinearLayer], placement: Placement
    ) -> None:
        """The layers must be resident."""
        self._layers = layers
        self._shares = {layer.name: _LayerShare(layer, dense[layer.name], placement) for layer in layers}

    def accumulator(self, calls_per_layer: int) -> GradientAccumulator:
        return GradientAccumulator(self._layers, self._shares, calls_per_layer)

    def finish(self, loss_scale: int) -> GradientNorms:
        """Return the shares in nats per token, float64 (windows,).

        Raises NumericalFailure with the layer's name where one is not finite.
        """
        return {"shares": {name: share.finish(loss_scale) for name, share in self._shares.items()}}


class _LayerShare:
    """One layer's shares, window after window; see `WindowSums`."""

    def __init__(self, pruned: LinearLayer, dense: LinearLayer, placement: Placement) -> None:
        """Both weights are rounded to the dtype of the computation, in which kept weights are equal."""
        after = pruned.matrix
        before = dense.as_matrix(placement.stored(dense.parameter)).to(after.device, after.dtype)
        self._name, self._change = pruned.name, after - before
        self._windows: list[Tensor] = []

    def add(self, *factors: GradientFactors) -> None:
        for window in range(len(factors[0].deltas)):
            products = [self._along(each.inputs[window], each.deltas[window]) for each in factors]
            self._windows.append(torch.stack(products).sum() / 2)

    def _along(self, inputs: Tensor, deltas: Tensor) -> Tensor:
        """Return ⟨δᵀx, W' - W⟩ for the tokens of one window, or some of them: float64 ()."""
        moved = inputs @ self._change.to(inputs.dtype).T
        wide = torch.promote_types(moved.dtype, torch.float32)
        return (deltas.to(wide) * moved.to(wide)).sum(dtype=torch.float64)

    def finish(self, loss_scale: int) -> Tensor:
        result = torch.stack(self._windows) / loss_scale
        if not torch.isfinite(result).all():
            raise NumericalFailure(
                f"the share of layer {self._name} in the pruned model's loss is not finite; use dtype "
                "bfloat16 or float32, and check that the model gives a finite perplexity"
            )
        return result
