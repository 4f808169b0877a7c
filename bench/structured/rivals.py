"""FLAP and Wanda-sp for Llama models, written plainly: what structured pruning is compared with.

Both mask: what is left is what a smaller model would compute. tests/bench/structured/test_rivals.py holds
them against the code that FLAP's authors have published, which has both. FLAP ranks over the whole model,
so its widths are uneven, which no plain config describes; it is measured all the same.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


@dataclass(frozen=True)
class Widths:
    """How many KV heads and MLP channels each block keeps, on average for FLAP."""

    kv_heads: int
    channels: int


def wanda_sp(model: PreTrainedModel, windows: Tensor, widths: Widths) -> int:
    """Mask, in place, the units of each layer with the least Σ|W_ij|·‖X_j‖, block by block.

    Returns how many parameters a model without the masked units lacks.
    """
    layers = list(model.get_submodule("model.layers"))
    size, lost = _group_size(model), 0
    for block, seen in _walk(model, layers, windows):
        for layer, width, keep in (
            (block.self_attn.o_proj, size, widths.kv_heads),
            (block.mlp.down_proj, 1, widths.channels),
        ):
            norms = torch.cat(seen[layer]).norm(dim=0)
            scores = (layer.weight.abs() * norms).sum(dim=0).unflatten(0, (-1, width)).sum(dim=1)
            lowest = scores.argsort()[: len(scores) - keep]
            lost += len(lowest) * _parameters_of_one(block, layer, width)
            _mask(layer, lowest, width)
    return lost


@dataclass(frozen=True)
class _Ranked:
    """The units that one layer reads."""

    layer: nn.Linear
    width: int  # inputs of a unit
    parameters: int  # of a unit
    keep: int  # units, on average over the blocks
    scores: Tensor  # (units,)
    means: Tensor  # of each input


def flap(model: PreTrainedModel, windows: Tensor, widths: Widths) -> int:
    """Mask, in place, the units whose inputs fluctuate least, and add what they gave on average to the bias.

    FLAP (An et al., 2023, arXiv 2312.11983) as published by default: metric WIFV, structure AL-AM. An input's
    score is its fluctuation times ‖W_:,j‖², squared in an attention; standardised over the inputs of a layer;
    averaged over those of a unit. One threshold holds for all units of the model, each counted with its
    parameters. Statistics are of the dense model.

    Returns how many parameters a model without the masked units lacks; the biases count as ones more.
    """
    layers = list(model.get_submodule("model.layers"))
    size = _group_size(model)
    found = []
    for block, seen in _walk(model, layers, windows):
        for layer, width, keep in (
            (block.self_attn.o_proj, size, widths.kv_heads),
            (block.mlp.down_proj, 1, widths.channels),
        ):
            scores = _fluctuation(seen[layer]) * layer.weight.square().sum(dim=0)
            if layer is block.self_attn.o_proj:
                scores = scores.square()
            scores = (scores - scores.mean()) / scores.std()
            scores = scores.unflatten(0, (-1, width)).mean(dim=1)
            parameters = _parameters_of_one(block, layer, width)
            found.append(_Ranked(layer, width, parameters, keep, scores, torch.cat(seen[layer]).mean(dim=0)))
    threshold, lost = _threshold(found), 0
    for one in found:
        lowest = (one.scores <= threshold).nonzero().flatten()
        inputs_gone = _inputs(lowest, one.width)
        baseline = one.layer.weight[:, inputs_gone] @ one.means[inputs_gone]
        lost += len(lowest) * one.parameters
        if one.layer.bias is None:
            one.layer.bias = nn.Parameter(torch.zeros_like(baseline), requires_grad=False)
            lost -= len(baseline)
        one.layer.bias.data += baseline
        _mask(one.layer, lowest, one.width)
    return lost


def _fluctuation(windows: Sequence[Tensor]) -> Tensor:
    """Return the squares of each input's distances from its mean, (inputs,), as the published code sums them.

    It takes window k's from the mean of the first k windows, and weighs them with (k - 1)/k.
    """
    mean, total = torch.zeros_like(windows[0][0]), torch.zeros_like(windows[0][0])
    for number, window in enumerate(windows, 1):
        mean += (window.mean(dim=0) - mean) / number
        total += (window - mean).square().sum(dim=0) * (number - 1) / number
    return total


def _threshold(found: Sequence[_Ranked]) -> Tensor:
    """Return the score up to which units go: the others have about as many parameters as asked for."""
    wanted = sum(one.parameters * one.keep for one in found)
    scores, order = torch.cat([one.scores for one in found]).sort(descending=True)
    parameters = torch.cat([torch.full(one.scores.shape, one.parameters) for one in found])
    return scores[(parameters[order].cumsum(dim=0) - wanted).abs().argmin()]


def _parameters_of_one(block: Any, layer: nn.Linear, width: int) -> int:  # noqa: ANN401 - a family's own class
    """Return the parameters of one unit: its inputs in `layer`, and the rows that compute them."""
    attention, mlp = block.self_attn, block.mlp
    every = (
        (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj)
        if layer is attention.o_proj
        else (mlp.gate_proj, mlp.up_proj, mlp.down_proj)
    )
    return sum(one.weight.numel() for one in every) * width // layer.in_features


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
