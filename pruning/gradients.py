"""Gradient norms over calibration windows, formed inside the backward pass.

A norm over windows needs every window's own weight gradient, which a backward pass of several windows would
have summed already. So autograd is asked for the gradients of activations only (all weights are frozen),
and where it passes a linear layer's output, the layer's gradient is formed window by window from what is at
hand: δᵀx, with x the layer's input and δ the gradient at its output. It is added to the norm at once; no
gradient is ever stored.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from pruning.batching import micro_batches
from pruning.blocks import Stack
from pruning.errors import InvalidInput, NumericalFailure
from pruning.layers import LinearLayer
from pruning.loss import summed_token_losses
from pruning.observe import Observer, Seen, observing
from pruning.recipe import GradientNorm, LayerSelection
from pruning.replay import Call, Replay
from pruning.selection import selected_stack

GradientNorms = dict[GradientNorm, dict[str, Tensor]]


def gradient_norms(
    model: PreTrainedModel,
    windows: Tensor,
    *,
    norms: Collection[GradientNorm],
    step: Callable[[int, int], None],
    selection: LayerSelection = LayerSelection(),  # noqa: B008 - immutable
) -> GradientNorms:
    """Per weight of the blocks' selected linear layers, the norm over windows of the loss gradient.

    `windows`: token ids, int64 (windows, length), on any device. The loss of a window is the mean next-token
    cross-entropy of its length - 1 predictions. Returns, per norm asked for and per layer name, a float32
    (float64 for a float64 model) tensor (outputs, inputs) on the model's device, without any scale:
    l1 is Σ|g|, l2 is sqrt(Σ g²).

    The model is left frozen and in eval mode. `step(done, total)` is called after each micro-batch; what it
    raises ends the pass. Raises InvalidInput(field='model.id') for a model that cannot be pruned block by
    block, and NumericalFailure with a layer's name.
    """
    model.requires_grad_(False).eval()
    stack = selected_stack(model, selection)
    Replay(stack, windows)  # refuses a model that a later stage could not prune
    sums = {layer.name: WindowNorms(layer, norms) for layer in stack.layers}
    pieces = micro_batches(stack, windows, backward=True)
    for done, piece in enumerate(pieces, start=1):
        tokens = piece.to(model.device)
        with _forming_gradients(stack, sums, tokens):
            logits = model(input_ids=tokens, use_cache=False).logits
            torch.autograd.backward(summed_token_losses(logits, tokens))
        step(done, len(pieces))
    predictions = windows.shape[1] - 1
    return {
        norm: {name: window_norms.finish(norm, predictions) for name, window_norms in sums.items()}
        for norm in norms
    }


class WindowNorms:
    """One layer's sums over windows: of |g| for l1, of g² for l2, g being the gradient of a window's loss."""

    def __init__(self, layer: LinearLayer, norms: Collection[GradientNorm]) -> None:
        """The sums are float32, or float64 where the weights are."""
        weight = layer.matrix
        dtype = torch.promote_types(weight.dtype, torch.float32)
        self._layer = layer
        self._sums: dict[GradientNorm, Tensor] = {
            norm: torch.zeros(weight.shape, dtype=dtype, device=weight.device) for norm in norms
        }

    def add(self, inputs: Iterable[Tensor], deltas: Iterable[Tensor]) -> None:
        """Add every window's δᵀx: `inputs` (tokens, inputs) and `deltas` (tokens, outputs) of each.

        The order of the windows is the order of the sums, whatever the number of windows in a call.
        """
        for x, delta in zip(inputs, deltas, strict=True):
            gradient = delta.T @ x
            if "l2" in self._sums:
                self._sums["l2"].addcmul_(gradient, gradient)
            if "l1" in self._sums:
                self._sums["l1"].add_(gradient.abs_())

    def finish(self, norm: GradientNorm, scale: float) -> Tensor:
        """The norm, divided by `scale`. Uses up the sum. Raises NumericalFailure for NaN and infinity."""
        total = self._sums.pop(norm)
        result = (total.sqrt_() if norm == "l2" else total).div_(scale)
        if not torch.isfinite(result.sum()):  # of norms, so nothing cancels
            raise NumericalFailure(
                f"the gradients of layer {self._layer.name} are not finite; use dtype bfloat16 or float32, "
                "and check that the model gives a finite perplexity"
            )
        return result


@contextmanager
def _forming_gradients(stack: Stack, sums: dict[str, WindowNorms], windows: Tensor) -> Iterator[None]:
    """While active, a forward and backward pass of `windows` adds their gradients to `sums`."""
    visits = Counter[str]()

    class Forming(Observer):
        def after(self, seen: Seen, output: Tensor) -> None:
            inputs = seen.by_window(seen.inputs.detach())

            def on_backward(delta: Tensor) -> None:
                visits[seen.layer.name] += 1
                sums[seen.layer.name].add(inputs, seen.by_window(delta))

            output.register_hook(on_backward)  # type: ignore[no-untyped-call]

    with ExitStack() as cleanup:
        first = next(block.module for block in stack.blocks if block.layers)
        cleanup.callback(first.register_forward_pre_hook(_start_graph, with_kwargs=True).remove)
        cleanup.enter_context(observing(list(stack.layers), windows, Forming()))
        yield
    for layer in stack.layers:
        if visits[layer.name] != 1:
            raise InvalidInput(
                f"layer {layer.name} takes part {visits[layer.name]} times in a window's loss; only models "
                "that use each linear layer once per forward pass are supported",
                field="model.id",
            )


def _start_graph(
    _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Let the backward pass end at this block: with every weight frozen, nothing else would start it."""
    hidden, call = Call.observed(args, kwargs)
    return call.arguments(hidden.detach().requires_grad_())
