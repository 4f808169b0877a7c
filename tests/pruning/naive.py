"""A naive reference implementation of pruning: window by window, whole-model autograd, explicit loops.

It uses nothing of the code under test: blocks and layers are given by name, and a block's inputs are recorded
while the whole model, pruned so far, runs.
"""

import copy
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D


@dataclass(frozen=True)
class NaiveResult:
    """Masks and scores by layer name, (outputs, inputs) each."""

    masks: dict[str, Tensor]
    scores: dict[str, Tensor]


def matrix_of(module: nn.Module) -> Tensor:
    weight = module.weight.detach()
    return weight.T if isinstance(module, Conv1D) else weight


def layers_of(model: PreTrainedModel, blocks: str) -> list[list[str]]:
    """Return the names of the linear layers in each block of the ModuleList `blocks`."""
    return [
        [
            f"{blocks}.{number}.{name}"
            for name, module in block.named_modules()
            if isinstance(module, nn.Linear | Conv1D)
        ]
        for number, block in enumerate(model.get_submodule(blocks))
    ]


def gradients(model: PreTrainedModel, windows: Tensor) -> dict[str, list[Tensor]]:
    """Return by parameter the gradient of each window's mean cross-entropy, in the logits' own precision."""
    model = copy.deepcopy(model).requires_grad_(True)
    found: dict[str, list[Tensor]] = defaultdict(list)
    for window in windows:
        model.zero_grad()
        logits = model(input_ids=window[None], use_cache=False).logits[0, :-1]
        losses = [-logits[i].log_softmax(0)[window[i + 1]] for i in range(len(logits))]
        (sum(losses) / len(losses)).backward()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                found[name].append(parameter.grad.clone())
    return found


def gradient_norms(model: PreTrainedModel, windows: Tensor, norm: Literal["l1", "l2"]) -> dict[str, Tensor]:
    """Return the norms over windows by layer name, (outputs, inputs) each."""
    norms = {}
    for name, per_window in gradients(model, windows).items():
        total = torch.zeros_like(per_window[0])
        for gradient in per_window:
            total += gradient.abs() if norm == "l1" else gradient**2
        norms.update(matrices_of(model, name, total if norm == "l1" else total.sqrt()))
    return norms


def matrices_of(model: PreTrainedModel, name: str, tensor: Tensor) -> dict[str, Tensor]:
    """Split a tensor shaped like the parameter `name` into its layers, (outputs, inputs) each."""
    if tensor.dim() != 3:
        layer = name.removesuffix(".weight")
        transposed = name.endswith(".weight") and isinstance(model.get_submodule(layer), Conv1D)
        return {layer: tensor.T if transposed else tensor}
    experts, parameter = name.rsplit(".", 1)
    found = {}
    for number, stored in enumerate(tensor):
        matrix = stored.T if model.config.model_type == "llama4_text" else stored
        half = len(matrix) // 2
        parts = {"gate_proj": slice(half), "up_proj": slice(half, None)}
        if model.config.model_type == "gpt_oss":
            matrix, parts = stored.T, {"gate_proj": slice(0, None, 2), "up_proj": slice(1, None, 2)}
        if parameter == "down_proj":
            parts = {"down_proj": slice(None)}
        found |= {f"{experts}.{number}.{part}": matrix[rows] for part, rows in parts.items()}
    return found


def inputs_seen(model: PreTrainedModel, windows: Tensor, layers: list[str]) -> dict[str, list[Tensor]]:
    """Return by layer name its input in each window, (tokens, features)."""
    seen: dict[str, list[Tensor]] = defaultdict(list)
    hooks = [
        model.get_submodule(name).register_forward_pre_hook(
            lambda _, args, name=name: seen[name].append(args[0].reshape(-1, args[0].shape[-1]))
        )
        for name in layers
    ]
    with torch.no_grad():
        for window in windows:
            model(input_ids=window[None], use_cache=False)
    for hook in hooks:
        hook.remove()
    return seen


def input_norms(model: PreTrainedModel, windows: Tensor, layers: list[str]) -> dict[str, Tensor]:
    """Return by layer name √(mean over windows of each input feature's squared norm in a window)."""
    seen = inputs_seen(model, windows, layers)
    squares = {name: sum(given.pow(2).sum(0) for given in inputs) for name, inputs in seen.items()}
    return {name: (total / len(windows)).sqrt() for name, total in squares.items()}


def mask_of(scores: Tensor, pattern: str, sparsity: float, *, whole_matrix: bool) -> Tensor:
    """Return the mask, True where pruned, by sorting (score, index) pairs."""
    mask = torch.zeros(scores.shape, dtype=torch.bool)
    rows, columns = scores.shape
    if pattern != "unstructured":
        kept, size = map(int, pattern.split(":"))
        for row in range(rows):
            for start in range(0, columns, size):
                ranked = sorted(range(start, start + size), key=lambda j: (float(scores[row, j]), j))
                mask[row, ranked[: size - kept]] = True
    elif whole_matrix:
        threshold = sorted(scores.flatten().tolist())[int(scores.numel() * sparsity)]
        mask = torch.tensor([[score <= threshold for score in row] for row in scores.tolist()])
    else:
        for row in range(rows):
            ranked = sorted(range(columns), key=lambda j: (float(scores[row, j]), j))
            mask[row, ranked[: int(columns * sparsity)]] = True
    return mask


def prune(
    model: PreTrainedModel,
    windows: Tensor,
    *,
    blocks: str,
    method: str,
    pattern: str,
    sparsity: float,
    norm: Literal["l1", "l2"] = "l1",
    alpha: float = 100.0,
    inverse: bool = False,
) -> NaiveResult:
    """Prune a copy of the model in its own precision; return masks and scores."""
    dense_gradients = gradient_norms(model, windows, norm) if method in ("gradient", "gblm") else {}
    model = copy.deepcopy(model)
    masks, all_scores = {}, {}
    for layers in layers_of(model, blocks):
        norms = input_norms(model, windows, layers)
        for name in layers:
            weight = matrix_of(model.get_submodule(name))
            scores = torch.zeros_like(weight)
            if method == "magnitude":
                scores = weight.abs()
            if method in ("wanda", "gblm"):
                scores = scores + weight.abs() * norms[name]
            if method == "gblm" and not inverse:
                scores = scores + weight.abs() * (alpha * dense_gradients[name])
            if method == "gradient" and not inverse:
                scores = weight.abs() * dense_gradients[name]
            if inverse:
                numerator = scores if method == "gblm" else weight.abs()
                scores = numerator / (alpha * dense_gradients[name] + 1e-8)
            if method == "ria":
                of_column, of_row = weight.abs().sum(0), weight.abs().sum(1)[:, None]
                scores = (weight.abs() / of_column + weight.abs() / of_row) * norms[name].sqrt()
            whole_matrix = method in ("magnitude", "ria")
            masks[name] = mask_of(scores, pattern, sparsity, whole_matrix=whole_matrix)
            all_scores[name] = scores
        for name in layers:
            weight = matrix_of(model.get_submodule(name))
            weight[masks[name]] = 0
    return NaiveResult(masks, all_scores)
