"""Runs fused experts one after the other, so that each expert's matrices can be observed.

Transformers multiplies the tokens of all experts in one grouped product, which hides the single layers. Here
each matrix of each expert is applied separately, to the tokens routed to that expert.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pruning.model.layers import ExpertLayer

Multiply = Callable[[ExpertLayer, Tensor, Tensor], Tensor]
"""Applies a layer: (layer, inputs (tokens, inputs), positions of these tokens) -> (tokens, outputs)."""


def run_by_expert(
    experts: Any,  # noqa: ANN401 - of many classes
    layers: Sequence[ExpertLayer],
    multiply: Multiply,
    hidden: Tensor,
    chosen: Tensor,
    shares: Tensor,
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
    """
    total = torch.zeros_like(hidden, dtype=torch.promote_types(hidden.dtype, shares.dtype))
    by_expert: dict[int, list[ExpertLayer]] = defaultdict(list)
    for layer in layers:
        by_expert[layer.expert].append(layer)
    for expert, (*first, last) in by_expert.items():
        tokens, ranks = torch.where(chosen == expert)  # tokens ascend, so windows keep their order
        inputs = hidden[tokens]
        products = [multiply(layer, inputs, tokens) for layer in first]
        output = multiply(last, _activated(experts, expert, products), tokens)
        if experts.has_bias:
            output = output + experts.down_proj_bias[expert]
        if getattr(experts, "has_post_expert_norm", False):  # transformers has it from 5.24 on
            output = experts.post_expert_norm(output)
        total = total.index_add(0, tokens, (output * shares[tokens, ranks, None]).to(total.dtype))
    return total.to(hidden.dtype)


def _activated(experts: Any, expert: int, products: Sequence[Tensor]) -> Tensor:  # noqa: ANN401
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
