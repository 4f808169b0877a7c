"""Fused experts, run one after the other.

Transformers multiplies the tokens of all experts in one grouped product, in which no layer can be told from
the next. Here each matrix of each expert is multiplied by itself, with the tokens that are sent to it.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pruning.model.layers import ExpertLayer

# From a layer, the tokens it is given (tokens, inputs), and each one's place among all tokens, to the
# product (tokens, outputs).
Multiply = Callable[[ExpertLayer, Tensor, Tensor], Tensor]


def run_by_expert(
    experts: Any,  # noqa: ANN401 - of many classes
    layers: Sequence[ExpertLayer],
    multiply: Multiply,
    hidden: Tensor,
    chosen: Tensor,
    shares: Tensor,
) -> Tensor:
    """What the module `experts` returns for tokens `hidden` (tokens, features): the same shape and dtype.

    `layers`: all of the module's, as `expert_layers` gives them. `chosen`, `shares` (tokens, experts per
    token): which experts each token is sent to, and the weight of each one's answer. Every expert has its
    turn, with no tokens too.
    """
    total = torch.zeros_like(hidden, dtype=torch.promote_types(hidden.dtype, shares.dtype))
    by_expert: dict[int, list[ExpertLayer]] = defaultdict(list)
    for layer in layers:
        by_expert[layer.expert].append(layer)
    for expert, (*first, last) in by_expert.items():
        tokens, ranks = torch.where(chosen == expert)  # tokens ascend, so windows keep their order
        inputs = hidden[tokens]
        widened = [multiply(layer, inputs, tokens) for layer in first]
        output = multiply(last, _activated(experts, expert, widened), tokens)
        if experts.has_bias:
            output = output + experts.down_proj_bias[expert]
        if experts.has_post_expert_norm:
            output = experts.post_expert_norm(output)
        total = total.index_add(0, tokens, (output * shares[tokens, ranks, None]).to(total.dtype))
    return total.to(hidden.dtype)


def _activated(experts: Any, expert: int, widened: Sequence[Tensor]) -> Tensor:  # noqa: ANN401
    """What lies between an expert's first products and its last: (tokens, inputs of the last)."""
    if not experts.has_gate:
        (up,) = widened
        biased = up + experts.up_proj_bias[expert] if experts.has_bias else up
        activated: Tensor = experts.act_fn(biased)
        return activated
    # As the module's own code expects gate and up: side by side, or feature by feature in turn.
    joined = (
        torch.cat(list(widened), dim=-1)
        if experts.is_concatenated
        else torch.stack(list(widened), dim=-1).flatten(-2)
    )
    gated: Tensor = experts._apply_gate(
        joined + experts.gate_up_proj_bias[expert] if experts.has_bias else joined
    )
    return gated
