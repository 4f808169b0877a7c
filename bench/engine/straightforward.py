"""The straightforward implementation, which a careful engineer writes first: the baseline of the bench.

One window at a time, gradients of the whole model by autograd, accumulators on the CPU; and for Wanda a loop
over blocks with a hook on every linear layer. It shares no code with the engine, so that the bench compares
the numbers of the two as well as their times.
"""

from contextlib import suppress
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlamaForCausalLM


def gradient_norms(model: LlamaForCausalLM, windows: Tensor) -> dict[str, dict[str, Tensor]]:
    """Return the L1 and L2 norms over windows of each linear layer's gradient, by layer name, on the CPU.

    They are float32, or float64 for a float64 model. Nothing is frozen: the backward pass computes the
    gradients of the whole model, as the published code does.
    """
    layers = _linear_layers(model)
    model.requires_grad_(True)
    dtype = torch.promote_types(model.dtype, torch.float32)
    l1 = {name: torch.zeros(layer.weight.shape, dtype=dtype) for name, layer in layers.items()}
    squares = {name: torch.zeros_like(total) for name, total in l1.items()}
    for window in windows:
        tokens = window[None].to(model.device)
        logits = model(input_ids=tokens, use_cache=False).logits[0, :-1]
        # transformers would round a float64 model's logits to float32.
        F.cross_entropy(logits.to(dtype), tokens[0, 1:]).backward()  # type: ignore[no-untyped-call]
        for name, layer in layers.items():
            assert layer.weight.grad is not None
            gradient = layer.weight.grad.to("cpu", dtype)
            l1[name] += gradient.abs()
            squares[name] += gradient.square()
        model.zero_grad(set_to_none=True)
    return {"l1": l1, "l2": {name: total.sqrt_() for name, total in squares.items()}}


@torch.no_grad()
def prune_rows(
    model: LlamaForCausalLM,
    windows: Tensor,
    sparsity: float,
    gradient_terms: dict[str, Tensor] | None = None,
    *,
    applied_masks: dict[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Prune in place, block by block and window by window: Wanda, or GBLM where gradient terms are given.

    The score is |W|·(‖X‖₂/√N + the layer's gradient term); each row loses its lowest int(columns × sparsity).
    Returns the masks by parameter name, True where a weight is pruned. `applied_masks`, if given, are applied
    in place of those that were found, so that both implementations see the same pruned blocks.
    """
    masks: dict[str, Tensor] = {}
    dtype = torch.promote_types(model.dtype, torch.float32)
    hidden, arguments = _block_inputs(model, windows)
    for index, block in enumerate(model.model.layers):
        layers = {
            f"model.layers.{index}.{name}": module
            for name, module in block.named_modules()
            if isinstance(module, nn.Linear)
        }
        squares = {
            name: torch.zeros(layer.in_features, dtype=dtype, device=model.device)
            for name, layer in layers.items()
        }
        hooks = [layer.register_forward_pre_hook(_adding_to(squares[name])) for name, layer in layers.items()]
        for window in hidden:
            block(window, **arguments)
        for hook in hooks:
            hook.remove()
        for name, layer in layers.items():
            factor = (squares[name] / len(windows)).sqrt()
            if gradient_terms is not None:
                factor = factor + gradient_terms[name].to(model.device)
            order = (layer.weight.abs() * factor).sort(dim=1, stable=True).indices
            pruned = order[:, : int(layer.in_features * sparsity)]
            mask = torch.zeros_like(layer.weight, dtype=torch.bool).scatter_(1, pruned, True)
            masks[f"{name}.weight"] = mask
            layer.weight.masked_fill_(mask if applied_masks is None else applied_masks[f"{name}.weight"], 0)
        hidden = [block(window, **arguments) for window in hidden]
    return masks


def _adding_to(total: Tensor) -> Any:  # noqa: ANN401 - a forward pre-hook
    def add(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        total.add_(args[0].to(total.dtype).square().sum(dim=(0, 1)))

    return add


def _linear_layers(model: LlamaForCausalLM) -> dict[str, nn.Linear]:
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and ".layers." in name
    }


class _FirstBlockReached(Exception):
    """Ends a forward pass where the stack of blocks begins."""


def _block_inputs(model: LlamaForCausalLM, windows: Tensor) -> tuple[list[Tensor], dict[str, Any]]:
    """Return what the model passes to its first block: hidden states per window, and the other arguments."""
    hidden: list[Tensor] = []
    arguments: dict[str, Any] = {}

    def catch(_: nn.Module, args: tuple[Tensor, ...], kwargs: dict[str, Any]) -> None:
        hidden.append(args[0])
        arguments.update(kwargs)
        raise _FirstBlockReached

    hook = model.model.layers[0].register_forward_pre_hook(catch, with_kwargs=True)
    for window in windows:
        with suppress(_FirstBlockReached):
            model(input_ids=window[None].to(model.device), use_cache=False)
    hook.remove()
    return hidden, arguments
