"""What the linear layers of a model are given and what they return, while it runs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pruning.errors import InvalidInput
from pruning.model.experts import run_by_expert
from pruning.model.layers import ExpertLayer, LinearLayer, expert_layers


@dataclass(frozen=True)
class Seen:
    """One use of a layer."""

    layer: LinearLayer
    inputs: Tensor  # (…, inputs); the very object that other layers may be given too
    # Takes apart a tensor with a row for each of these tokens: (tokens, features) of each window, also of one
    # that sends no token to this expert.
    by_window: Callable[[Tensor], Sequence[Tensor]]


class Observer:
    """What is told of every use. What it raises ends the forward pass."""

    def before(self, seen: Seen) -> None:
        """Told before the product is formed."""

    def after(self, seen: Seen, output: Tensor) -> None:
        """Told with the product, (…, outputs)."""


@contextmanager
def observing(layers: Sequence[LinearLayer], windows: Tensor, observer: Observer) -> Iterator[None]:
    """While active, `observer` is told of `layers` in a forward pass of `windows` (windows, length).

    Where fused experts are among the layers, each expert runs by itself and is told, in the order of the
    experts, also when no token is sent to it.
    """
    by_experts: dict[nn.Module, list[ExpertLayer]] = defaultdict(list)
    with ExitStack() as cleanup:
        for layer in layers:
            if isinstance(layer, ExpertLayer):
                by_experts[layer.module].append(layer)
            else:
                cleanup.enter_context(_watched(layer, windows, observer))
        for module, of_module in by_experts.items():
            cleanup.enter_context(_taken_apart(module, of_module, windows, observer))
        yield


@contextmanager
def _watched(layer: LinearLayer, windows: Tensor, observer: Observer) -> Iterator[None]:
    def by_window(tokens: Tensor) -> Sequence[Tensor]:
        """Some models flatten windows and positions into one dimension before a layer."""
        given = tokens.shape[:-1].numel()
        if given != windows.numel():
            raise InvalidInput(
                f"layer {layer.name} sees {given} tokens where the model is given {windows.numel()}; layers "
                "that see a part of the tokens (routed experts as modules of their own) are not supported",
                field="model.id",
            )
        return tokens.reshape(*windows.shape, tokens.shape[-1]).unbind()

    def before(_: nn.Module, args: tuple[Any, ...]) -> None:
        observer.before(Seen(layer, args[0], by_window))

    def after(_: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        observer.after(Seen(layer, args[0], by_window), output)

    with ExitStack() as hooks:
        hooks.callback(layer.module.register_forward_pre_hook(before).remove)
        hooks.callback(layer.module.register_forward_hook(after).remove)
        yield


@contextmanager
def _taken_apart(
    module: nn.Module, layers: Sequence[ExpertLayer], windows: Tensor, observer: Observer
) -> Iterator[None]:
    count, length = windows.shape
    watched = {layer.name for layer in layers}
    all_layers = tuple(expert_layers(module, layers[0].name.rsplit(".", 2)[0]))

    def multiply(layer: ExpertLayer, inputs: Tensor, tokens: Tensor) -> Tensor:
        def by_window(rows: Tensor) -> Sequence[Tensor]:
            return torch.split(rows, (tokens // length).bincount(minlength=count).tolist())

        if layer.name not in watched:
            return nn.functional.linear(inputs, layer.matrix)
        seen = Seen(layer, inputs, by_window)
        observer.before(seen)
        output = nn.functional.linear(inputs, layer.matrix)
        observer.after(seen, output)
        return output

    def forward(hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
        if len(hidden_states) != windows.numel():
            raise InvalidInput(
                f"the experts with {layers[0].name} see {len(hidden_states)} tokens where the model is given "
                f"{windows.numel()}; experts that are given a part of the tokens are not supported",
                field="model.id",
            )
        return run_by_expert(module, all_layers, multiply, hidden_states, top_k_index, top_k_weights)

    # On the instance: the class's forward shows again when this is deleted.
    module.forward = forward
    try:
        yield
    finally:
        del module.forward
