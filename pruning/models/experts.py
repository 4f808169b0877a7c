"""Runs fused experts one after the other, so that each expert's matrices can be observed.

Transformers multiplies the tokens of all experts in one grouped product, which hides the single layers. Here
each matrix of each expert is applied separately, to the tokens routed to that expert.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pruning.models.layers import ExpertLayer

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
    inputs_of, shares_of = _inputs(hidden, routes), _shares(shares, routes)
    for expert, (*first, last) in by_expert.items():
        tokens, _, sizes = routes[expert]
        inputs = inputs_of(expert)
        products = [multiply(layer, inputs, sizes) for layer in first]
        output = multiply(last, _activated(experts, expert, products), sizes)
        if experts.has_bias:
            output = output + experts.down_proj_bias[expert]
        if getattr(experts, "has_post_expert_norm", False):  # transformers has it from 5.24 on
            output = experts.post_expert_norm(output)
        total.index_add_(0, tokens, (output * shares_of[expert]).to(total.dtype))
    return total.to(hidden.dtype)


def _inputs(hidden: Tensor, routes: Sequence[Route]) -> Callable[[int], Tensor]:
    """Return a function that gives each expert the rows of `hidden` for its tokens.

    Each gather costs the backward pass a gradient in the shape of `hidden` and its addition, and a GPU a sort
    before them; so a GPU gathers once for all experts. A CPU would then add a token's gradients in any order,
    by several threads, and a pass would not give the same bits twice.
    """
    if hidden.device.type == "cpu":
        return lambda expert: hidden[routes[expert][0]]
    rows = hidden[torch.cat([tokens for tokens, _, _ in routes])]
    return torch.split(rows, [len(tokens) for tokens, _, _ in routes]).__getitem__


def _shares(shares: Tensor, routes: Sequence[Route]) -> Sequence[Tensor]:
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
    routed = sum(totals)  # an index beyond the experts stands for none of them
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
