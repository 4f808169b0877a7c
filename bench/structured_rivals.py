"""FLAP and Wanda-sp for Llama models, written plainly: what structured pruning is compared with.

Both mask: what is left is what a smaller model would compute. FLAP ranks over the whole model, so its widths
are uneven, which no plain config describes; it is measured all the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


@dataclass(frozen=True)
class Widths:
    """How many KV groups and MLP channels each block keeps, on average for FLAP."""

    groups: int
    channels: int


def wanda_sp(model: PreTrainedModel, windows: Tensor, widths: Widths) -> None:
    """Mask, in place, the units of each layer with the least Σ|W_ij|·‖X_j‖, block by block."""
    layers = list(model.get_submodule("model.layers"))
    size = _group_size(model)
    for block, seen in _walk(model, layers, windows):
        for layer, width, keep in (
            (block.self_attn.o_proj, size, widths.groups),
            (block.mlp.down_proj, 1, widths.channels),
        ):
            norms = torch.cat(seen[layer]).norm(dim=0)
            scores = (layer.weight.abs() * norms).sum(dim=0).unflatten(0, (-1, width)).sum(dim=1)
            lowest = scores.argsort()[: len(scores) - keep]
            _mask(layer, lowest, width)


def flap(model: PreTrainedModel, windows: Tensor, widths: Widths) -> None:
    """Mask, in place, the units whose inputs fluctuate least, and add what they gave on average to the bias.

    FLAP (An et al., 2023, arXiv 2312.11983) with its defaults: Σ Var(X_j)·‖W_:,j‖² of a unit, standardised
    within each layer, one threshold over all layers, weighted by the parameters of a unit. Statistics are of
    the dense model.
    """
    layers = list(model.get_submodule("model.layers"))
    size = _group_size(model)
    found: list[tuple[Any, int, Tensor, Tensor, float]] = []
    for block, seen in _walk(model, layers, windows):
        attention, mlp = block.self_attn, block.mlp
        for layer, width, producers in (
            (attention.o_proj, size, (attention.q_proj, attention.k_proj, attention.v_proj)),
            (mlp.down_proj, 1, (mlp.gate_proj, mlp.up_proj)),
        ):
            inputs = torch.cat(seen[layer])
            fluctuation = inputs.var(dim=0) * layer.weight.square().sum(dim=0)
            scores = fluctuation.unflatten(0, (-1, width)).sum(dim=1)
            scores = (scores - scores.mean()) / scores.std()
            weights = sum(producer.weight.numel() for producer in producers) + layer.weight.numel()
            found.append((layer, width, scores, inputs.mean(dim=0), weights / len(scores)))
    budget = sum(
        cost * (len(scores) - (widths.groups if width > 1 else widths.channels))
        for _, width, scores, _, cost in found
    )
    every = torch.cat([scores for _, _, scores, _, _ in found])
    costs = torch.cat([torch.full_like(scores, cost) for _, _, scores, _, cost in found])
    order = every.argsort()
    gone = torch.zeros_like(every, dtype=torch.bool)
    gone[order[costs[order].cumsum(dim=0) <= budget]] = True
    start = 0
    for layer, width, scores, means, _ in found:
        lowest = gone[start : start + len(scores)].nonzero().flatten()
        start += len(scores)
        inputs_gone = _inputs(lowest, width)
        baseline = layer.weight[:, inputs_gone] @ means[inputs_gone]
        layer.bias = nn.Parameter(
            baseline if layer.bias is None else layer.bias + baseline, requires_grad=False
        )
        _mask(layer, lowest, width)


def _group_size(model: PreTrainedModel) -> int:
    config = model.config
    return int(config.head_dim * config.num_attention_heads // config.num_key_value_heads)


def _inputs(units: Tensor, width: int) -> Tensor:
    return (units[:, None] * width + torch.arange(width)).flatten()


def _mask(layer: nn.Linear, units: Tensor, width: int) -> None:
    layer.weight.data[:, _inputs(units, width)] = 0


@torch.no_grad()
def _walk(
    model: PreTrainedModel, layers: list[Any], windows: Tensor
) -> Iterator[tuple[Any, dict[nn.Module, list[Tensor]]]]:
    """Yield each block with the inputs of its last layers, (tokens, features) per window; then advance.

    The windows go on through the block as the caller leaves it.
    """
    hidden, arguments = [], []
    for window in windows:
        with _stopped_before(layers[0]) as first, suppress(_Stop):
            model(input_ids=window[None], use_cache=False)
        hidden.append(first[0])
        arguments.append(first[1])
    for block in layers:
        seen: dict[nn.Module, list[Tensor]] = {block.self_attn.o_proj: [], block.mlp.down_proj: []}
        hooks = [module.register_forward_pre_hook(_record(rows)) for module, rows in seen.items()]
        for state, given in zip(hidden, arguments, strict=True):
            block(state, **given)
        for hook in hooks:
            hook.remove()
        yield block, seen
        hidden = [_hidden(block(state, **given)) for state, given in zip(hidden, arguments, strict=True)]


def _record(rows: list[Tensor]) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    return lambda _, args: rows.append(args[0].flatten(0, -2))


def _hidden(output: Any) -> Tensor:  # noqa: ANN401 - a tensor in most families, a tuple in some
    hidden: Tensor = output[0] if isinstance(output, tuple) else output
    return hidden


class _Stop(Exception):
    pass


@contextmanager
def _stopped_before(block: nn.Module) -> Iterator[list[Any]]:
    """While active, the forward pass ends before `block`; its input and other arguments are in the list."""
    found: list[Any] = []

    def stop(_: nn.Module, args: tuple[Tensor, ...], kwargs: dict[str, Any]) -> None:
        found.extend([args[0], kwargs])
        raise _Stop

    hook = block.register_forward_pre_hook(stop, with_kwargs=True)
    try:
        yield found
    finally:
        hook.remove()
