"""Observes the inputs and outputs of linear layers, fused experts included, while a model runs.

Plain forward hooks see neither the experts inside a fused module nor which tokens belong to which window.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pruning.errors import InvalidInput
from pruning.models.experts import run_by_expert
from pruning.models.layers import ExpertLayer, LinearLayer, expert_layers
from pruning.models.patching import replaced_forward
from pruning.models.upcast import expert_product


@dataclass(frozen=True)
class LayerCall:
    """One forward call of a layer."""

    layer: LinearLayer
    inputs: Tensor  # (…, inputs); layers that share an input are given the same object
    # Splits a tensor with one row per token of this call into (tokens, features) of each window. A window
    # whose tokens are all routed to other experts has none.
    by_window: Callable[[Tensor], Sequence[Tensor]]


class Observer:
    """Receives every call of the observed layers. An exception that it raises ends the forward pass."""

    def before(self, call: LayerCall) -> None:
        """Called before the layer runs."""

    def after(self, call: LayerCall, output: Tensor) -> None:
        """Called with the layer's output, (…, outputs)."""


@contextmanager
def observing(layers: Sequence[LinearLayer], windows: Tensor, observer: Observer) -> Iterator[None]:
    """While active, `observer` receives the calls of `layers` in a forward pass on `windows`.

    Fused experts among the layers run one by one, in order, and are observed even if they receive no token.

    Parameters
    ----------
    layers
        The layers to observe.
    windows
        The token ids of the pass, (windows, length); only their shape is used.
    observer
        Receives the calls.

    Raises
    ------
    InvalidInput
        From the forward pass, with field 'model.id', where a layer that is a module sees only a part of the
        tokens.
    """
    by_module: dict[nn.Module, list[ExpertLayer]] = defaultdict(list)
    with ExitStack() as cleanup:
        for layer in layers:
            if isinstance(layer, ExpertLayer):
                by_module[layer.module].append(layer)
            else:
                cleanup.enter_context(_module_observed(layer, windows, observer))
        for module, experts in by_module.items():
            cleanup.enter_context(_experts_observed(module, experts, windows, observer))
        yield


@contextmanager
def _module_observed(layer: LinearLayer, windows: Tensor, observer: Observer) -> Iterator[None]:
    def by_window(tokens: Tensor) -> Sequence[Tensor]:
        # Some models flatten windows and positions into one dimension before a layer.
        seen = tokens.shape[:-1].numel()
        if seen != windows.numel():
            raise InvalidInput(
                f"layer {layer.name} sees {seen} tokens, but the model is given {windows.numel()}; layers "
                "that see only some of the tokens (routed experts that are modules) are not supported",
                field="model.id",
            )
        return tokens.reshape(*windows.shape, tokens.shape[-1]).unbind()

    def before(_: nn.Module, args: tuple[Any, ...]) -> None:
        observer.before(LayerCall(layer, args[0], by_window))

    def after(_: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        observer.after(LayerCall(layer, args[0], by_window), output)

    with ExitStack() as hooks:
        hooks.callback(layer.module.register_forward_pre_hook(before).remove)
        hooks.callback(layer.module.register_forward_hook(after).remove)
        yield


@contextmanager
def _experts_observed(
    module: nn.Module, layers: Sequence[ExpertLayer], windows: Tensor, observer: Observer
) -> Iterator[None]:
    observed = {layer.name for layer in layers}
    all_layers = tuple(expert_layers(module, layers[0].name.rsplit(".", 2)[0]))

    def multiply(layer: ExpertLayer, inputs: Tensor, sizes: Sequence[int]) -> Tensor:
        def by_window(rows: Tensor) -> Sequence[Tensor]:
            return torch.split(rows, list(sizes))

        if layer.name not in observed:
            return expert_product(layer, inputs)
        call = LayerCall(layer, inputs, by_window)
        observer.before(call)
        output = expert_product(layer, inputs)
        observer.after(call, output)
        return output

    def forward(hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
        if len(hidden_states) != windows.numel():
            raise InvalidInput(
                f"the experts of {layers[0].name} see {len(hidden_states)} tokens, but the model is given "
                f"{windows.numel()}; experts that see only some of the tokens are not supported",
                field="model.id",
            )
        return run_by_expert(
            module, all_layers, multiply, hidden_states, top_k_index, top_k_weights, windows.shape
        )

    with replaced_forward(module, forward):
        yield
