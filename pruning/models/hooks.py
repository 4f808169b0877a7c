"""Observes the inputs and outputs of linear layers, fused experts included, while a model runs.

Forward hooks of torch see neither the experts inside a fused module nor which tokens belong to which window.
transformers multiplies the tokens of all experts in one grouped product, which hides the single layers. Here
each matrix of each expert is applied separately, to the tokens routed to that expert.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pruning.errors import InvalidInput
from pruning.models.layers import ExpertLayer, LinearLayer, expert_layers
from pruning.models.module_calls import replaced_forward
from pruning.models.upcast import expert_product

Multiply = Callable[[ExpertLayer, Tensor, Sequence[int]], Tensor]
"""Applies a layer: (layer, inputs (tokens, inputs), tokens of each window) -> (tokens, outputs)."""

Route = tuple[Tensor, Tensor, list[int]]
"""An expert's tokens and their ranks, (its tokens,), and how many of them each window has."""


def run_by_expert(
    experts: Any,  # noqa: ANN401 - of many classes
    layers: Sequence[ExpertLayer],
    multiply: Multiply,
    hidden: Tensor,
    chosen: Tensor,
    shares: Tensor,
    windows: torch.Size,
) -> Tensor:
    """Return what the module `experts` returns for `hidden`, in its shape and dtype.

    Parameters
    ----------
    experts
        A fused experts module of transformers.
    layers
        All of its layers, from `expert_layers`.
    multiply
        Applies one layer. It is called for every layer, also for experts that receive no token.
    hidden
        (tokens, features).
    chosen, shares
        (tokens, experts per token): the experts that each token is routed to, and their weights.
    windows
        (windows, length): how the tokens are split.
    """
    total = torch.zeros_like(hidden, dtype=torch.promote_types(hidden.dtype, shares.dtype))
    by_expert: dict[int, list[ExpertLayer]] = defaultdict(list)
    for layer in layers:
        by_expert[layer.expert].append(layer)
    routes = _routes(chosen, experts.num_experts, windows)
    inputs_of, weights_of = _inputs(hidden, routes), _routing_weights(shares, routes)
    for expert, (*first, last) in by_expert.items():
        tokens, _, sizes = routes[expert]
        inputs = inputs_of(expert)
        products = [multiply(layer, inputs, sizes) for layer in first]
        output = multiply(last, _activated(experts, expert, products), sizes)
        if experts.has_bias:
            output = output + experts.down_proj_bias[expert]
        if getattr(experts, "has_post_expert_norm", False):  # since transformers 5.24
            output = experts.post_expert_norm(output)
        total.index_add_(0, tokens, (output * weights_of[expert]).to(total.dtype))
    return total.to(hidden.dtype)


def _inputs(hidden: Tensor, routes: Sequence[Route]) -> Callable[[int], Tensor]:
    """Return a function that gives each expert the rows of `hidden` for its tokens.

    In the backward pass each gather adds a gradient in the shape of `hidden`, and on a GPU sorts first; so a
    GPU gathers once for all experts. A CPU would then add a token's gradients in any order, by several
    threads, and passes would not be bit-identical.
    """
    if hidden.device.type == "cpu":
        return lambda expert: hidden[routes[expert][0]]
    rows = hidden[torch.cat([tokens for tokens, _, _ in routes])]
    return torch.split(rows, [len(tokens) for tokens, _, _ in routes]).__getitem__


def _routing_weights(shares: Tensor, routes: Sequence[Route]) -> Sequence[Tensor]:
    """Return each expert's weights for its tokens, (its tokens, 1), from one gather."""
    places = (torch.cat([tokens for tokens, _, _ in routes]), torch.cat([ranks for _, ranks, _ in routes]))
    return torch.split(shares[*places, None], [len(tokens) for tokens, _, _ in routes])


def _routes(chosen: Tensor, experts: int, windows: torch.Size) -> list[Route]:
    """Return each expert's tokens and their ranks, (its tokens,), and how many of them each window has.

    All experts are found at once: the host waits for the device to know how many tokens there are. The tokens
    of each ascend, so that windows keep their order.
    """
    count, length = windows
    by_token = chosen.flatten()
    order = by_token.argsort(stable=True)
    tokens, ranks = order // chosen.shape[1], order % chosen.shape[1]
    places = by_token[order] * count + tokens // length
    ends = torch.searchsorted(places, torch.arange(experts * count, device=chosen.device), right=True)
    sizes = ends.diff(prepend=ends.new_zeros(1)).view(experts, count).tolist()
    totals = [sum(of_expert) for of_expert in sizes]
    routed = sum(totals)  # an index beyond the experts means none of them
    return list(
        zip(torch.split(tokens[:routed], totals), torch.split(ranks[:routed], totals), sizes, strict=True)
    )


def _activated(experts: Any, expert: int, products: Sequence[Tensor]) -> Tensor:  # noqa: ANN401 - of many classes
    """Apply biases, activation and gate between an expert's first products and its last, `down_proj`."""
    if not experts.has_gate:
        (up,) = products
        biased = up + experts.up_proj_bias[expert] if experts.has_bias else up
        activated: Tensor = experts.act_fn(biased)
        return activated
    # The layout in which the module's own code expects gate and up: concatenated, or interleaved by feature.
    joined = (
        torch.cat(list(products), dim=-1)
        if experts.is_concatenated
        else torch.stack(list(products), dim=-1).flatten(-2)
    )
    gated: Tensor = experts._apply_gate(
        joined + experts.gate_up_proj_bias[expert] if experts.has_bias else joined
    )
    return gated


@dataclass(frozen=True)
class LayerCall:
    """One forward call of a layer."""

    layer: LinearLayer
    inputs: Tensor  # (…, inputs); layers with the same input have the same object
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

    total = all_layers[-1].expert + 1

    def forward_by_expert(rows: Tensor) -> Tensor:
        """Llama 4: all tokens for each expert in turn, weighted, or zeros where it is not chosen."""
        count, length = windows.shape
        experts = torch.arange(total, device=rows.device).repeat_interleave(count * length)
        chosen = experts.where(rows.ne(0).any(dim=1), total)[:, None]  # a number past the experts is none
        places = torch.Size((total * count, length))

        def multiply_own(layer: ExpertLayer, inputs: Tensor, sizes: Sequence[int]) -> Tensor:
            return multiply(layer, inputs, sizes[layer.expert * count : (layer.expert + 1) * count])

        return run_by_expert(
            module, all_layers, multiply_own, rows, chosen, torch.ones_like(rows[:, :1]), places
        )

    def forward(
        hidden_states: Tensor, top_k_index: Tensor | None = None, top_k_weights: Tensor | None = None
    ) -> Tensor:
        seen = len(hidden_states) if top_k_index is not None else len(hidden_states) // total
        if seen != windows.numel():
            raise InvalidInput(
                f"the experts of {layers[0].name} see {seen} tokens, but the model is given "
                f"{windows.numel()}; experts that see only some of the tokens are not supported",
                field="model.id",
            )
        if top_k_index is None or top_k_weights is None:
            return forward_by_expert(hidden_states)
        return run_by_expert(
            module, all_layers, multiply, hidden_states, top_k_index, top_k_weights, windows.shape
        )

    with replaced_forward(module, forward):
        yield
