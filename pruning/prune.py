"""Pruning, block by block."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.batching import micro_batches
from pruning.blocks import Stack, find_stack
from pruning.errors import InvalidInput, NumericalFailure
from pruning.gradients import GradientNorms
from pruning.methods import LayerEvidence, Method, method_for
from pruning.patterns import fits, select
from pruning.recipe import Recipe
from pruning.replay import Replay, Walk
from pruning.statistics import InputStatistics


@dataclass(frozen=True)
class PrunedLayer:
    """What became of one weight matrix."""

    name: str
    block: int
    shape: tuple[int, int]  # (outputs, inputs)
    zeros: int

    @property
    def weights(self) -> int:
        """Zero or not."""
        return self.shape[0] * self.shape[1]

    @property
    def sparsity(self) -> float:
        """The share of zeros."""
        return self.zeros / self.weights


@dataclass(frozen=True)
class Pruned:
    """The result of pruning: which weights of which parameter are zero now."""

    masks: dict[
        str, Tensor
    ]  # by parameter name: bool, the parameter's own shape, True where pruned, on the CPU
    layers: tuple[PrunedLayer, ...]  # in the order of the model

    @property
    def sparsity(self) -> float:
        """The share of zeros over all pruned layers."""
        return sum(layer.zeros for layer in self.layers) / sum(layer.weights for layer in self.layers)


@torch.no_grad()
def prune(
    model: PreTrainedModel,
    recipe: Recipe,
    windows: Tensor | None,
    gradients: GradientNorms,
    *,
    step: Callable[[int, int], None],
) -> Pruned:
    """Prune `model` in place as `recipe` says, and return the masks.

    Block by block: the calibration windows run through the block as it is, and what its linear layers are
    given is measured; the layers are scored and pruned; the windows run through the pruned block, and what
    comes out is what the next block is given.

    `windows`: token ids, int64 (windows, length); None for a method that measures no inputs. `gradients`:
    from `gradient_norms` on the dense model; empty for a method that needs none. `step(done, blocks)` is
    called after each block; what it raises ends the run.

    Raises what `check` raises, and NumericalFailure with a layer's name.
    """
    stack = check(model, recipe)
    model.requires_grad_(False).eval()
    method = method_for(recipe.method)
    walk = _walk(stack, recipe, windows)

    masks: dict[str, Tensor] = {}
    layers: list[PrunedLayer] = []
    for index, block in enumerate(stack.blocks):
        statistics = InputStatistics(block.layers)
        if walk is not None:
            walk.measure(index, statistics)
        for layer in block.layers:
            mask = _mask(method, LayerEvidence(layer, statistics, gradients), recipe)
            layer.matrix.masked_fill_(mask, 0)
            masks[layer.parameter_name] = layer.as_matrix(mask).cpu()
            layers.append(PrunedLayer(layer.name, index, (layer.outputs, layer.inputs), int(mask.sum())))
        if walk is not None and index + 1 < len(stack.blocks):
            walk.advance(index)
        step(index + 1, len(stack.blocks))
    return Pruned(masks, tuple(layers))


def check(model: PreTrainedModel, recipe: Recipe) -> Stack:
    """The blocks that `prune` will work through. Call it before expensive work; a model without weights
    will do.

    Raises InvalidInput where the model cannot be pruned (field 'model.id'), or the pattern does not fit one
    of its layers, which the message names (field 'pattern').
    """
    stack = find_stack(model)
    for layer in stack.layers:
        if not fits(recipe.pattern, layer.inputs):
            raise InvalidInput(
                f"pattern {recipe.pattern} does not divide the {layer.inputs} inputs of layer {layer.name}; "
                "use unstructured, or a pattern whose second number does",
                field="pattern",
            )
    return stack


def _walk(stack: Stack, recipe: Recipe, windows: Tensor | None) -> Walk | None:
    """Where the method measures inputs, the windows before the first block."""
    if "input_norms" not in recipe.method.needs:
        return None
    if windows is None:
        raise ValueError(f"method {recipe.method.name} needs calibration windows")
    return Walk(Replay(stack, windows), micro_batches(stack, windows, backward=False))


def _mask(method: Method[Any], evidence: LayerEvidence, recipe: Recipe) -> Tensor:
    """Which weights of one layer go: bool (outputs, inputs)."""
    scores = method.score(evidence)
    if not torch.isfinite(scores).all():
        raise NumericalFailure(
            f"the scores of layer {evidence.layer.name} are not finite; check that the model gives a finite "
            "perplexity in this dtype, or use float32"
        )
    return select(scores, pattern=recipe.pattern, sparsity=recipe.sparsity, group=method.group)
