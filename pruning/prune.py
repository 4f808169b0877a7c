"""Pruning, block by block."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.allocation import layer_targets
from pruning.batching import micro_batches
from pruning.blocks import Stack
from pruning.errors import InvalidInput, NumericalFailure
from pruning.gradients import GradientNorms
from pruning.layers import LinearLayer
from pruning.methods import LayerEvidence, Method, PrunedMatrix, method_for
from pruning.patterns import LayerTarget, fits
from pruning.recipe import Magnitude, Recipe, RefitOptions
from pruning.refit import refitted
from pruning.replay import Replay, Walk
from pruning.selection import selected_stack
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
    """The result of pruning: which weights of which parameter are zero now, and what the others became."""

    # Both by parameter name, in the parameter's own shape, on the CPU.
    masks: dict[str, Tensor]  # bool, True where pruned
    weights: dict[str, Tensor]  # only where kept weights changed; in the model's dtype
    layers: tuple[PrunedLayer, ...]  # in the order of the model
    warnings: tuple[str, ...] = ()

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
    given is measured; each layer is pruned by the method, and on request its kept weights are solved again;
    the windows run through the pruned block, and what comes out is what the next block is given. With the
    recipe's order 'layers', the layers that share an input are a step of their own, measured behind the
    block's earlier ones as they were pruned.

    `windows`: token ids, int64 (windows, length); None for a method that measures no inputs. `gradients`:
    from `gradient_norms` on the dense model; empty for a method that needs none. `step(done, blocks)` is
    called after each block; what it raises ends the run.

    Raises what `check` raises, and NumericalFailure with a layer's name.
    """
    stack = check(model, recipe)
    model.requires_grad_(False).eval()
    targets = layer_targets(recipe, stack, gradients, lambda: _walk(stack, windows))
    walk = _walk(stack, windows) if recipe.needs & {"input_norms", "second_moments"} else None
    pruning = _Pruning(recipe, targets, gradients)
    for index, block in enumerate(stack.blocks):
        if walk is None:
            pruning.prune(index, block.layers, InputStatistics(block.layers, ()))
        else:
            for layers in walk.input_groups(index) if recipe.order == "layers" else (block.layers,):
                if not layers:  # none of the block's is selected
                    continue
                statistics = InputStatistics(layers, recipe.needs)
                walk.measure(index, statistics)
                pruning.prune(index, layers, statistics)
            if index + 1 < len(stack.blocks):
                walk.advance(index)
        step(index + 1, len(stack.blocks))
    return pruning.result(stack)


class _Pruning:
    """What has become of the layers so far."""

    def __init__(self, recipe: Recipe, targets: Mapping[str, LayerTarget], gradients: GradientNorms) -> None:
        self._method = method_for(recipe.method)
        self._refit = recipe.refit
        self._targets = targets
        self._gradients = gradients
        self._masks: dict[str, Tensor] = {}
        self._changed: set[str] = set()
        self._layers: dict[str, PrunedLayer] = {}
        self._warnings: list[str] = []

    def prune(self, block: int, layers: Sequence[LinearLayer], statistics: InputStatistics) -> None:
        """Prune layers of one block in place, all by what was measured before any of them was pruned."""
        for layer in layers:
            evidence = LayerEvidence(layer, statistics, self._gradients)
            pruned = _pruned(self._method, evidence, self._targets[layer.name], self._refit)
            if pruned.weight is not None:
                layer.matrix.copy_(pruned.weight)
            layer.matrix.masked_fill_(pruned.mask, 0)
            if pruned.weight is not None:
                self._changed.add(layer.parameter_name)
            # A parameter may hold several layers.
            mask = self._masks.setdefault(
                layer.parameter_name, torch.zeros(layer.parameter.shape, dtype=torch.bool)
            )
            layer.as_matrix(mask).copy_(pruned.mask)
            self._layers[layer.name] = PrunedLayer(
                layer.name, block, (layer.outputs, layer.inputs), zeros=int(pruned.mask.sum())
            )
            self._warnings += [f"layer {layer.name}: {warning}" for warning in pruned.warnings]

    def result(self, stack: Stack) -> Pruned:
        """Everything, in the order of the model."""
        parameters = {layer.parameter_name: layer.parameter for layer in stack.layers}
        return Pruned(
            masks={name: self._masks[name] for name in parameters},
            weights={
                name: parameter.detach().cpu()
                for name, parameter in parameters.items()
                if name in self._changed
            },
            layers=tuple(self._layers[layer.name] for layer in stack.layers),
            warnings=tuple(self._warnings),
        )


def check(model: PreTrainedModel, recipe: Recipe) -> Stack:
    """The blocks that `prune` will work through, with the layers that it will prune. Call it before expensive
    work; a model without weights will do.

    Raises InvalidInput where the model cannot be pruned (field 'model.id'), a layer pattern selects nothing
    (field 'layers.include' or 'layers.exclude'), or the pattern does not fit one
    of its layers, which the message names (field 'pattern').
    """
    stack = selected_stack(model, recipe.layers)
    for layer in stack.layers:
        if not fits(recipe.pattern, layer.inputs):
            raise InvalidInput(
                f"pattern {recipe.pattern} does not divide the {layer.inputs} inputs of layer {layer.name}; "
                "use unstructured, or a pattern whose second number does",
                field="pattern",
            )
    return stack


def _walk(stack: Stack, windows: Tensor | None) -> Walk:
    """The windows before the first block."""
    if windows is None:
        raise ValueError("this recipe measures what layers are given: it needs calibration windows")
    return Walk(Replay(stack, windows), micro_batches(stack, windows, backward=False))


def _pruned(
    method: Method[Any], evidence: LayerEvidence, target: LayerTarget, options: RefitOptions | None
) -> PrunedMatrix:
    """What method and refit make of one layer. Raises NumericalFailure with the layer's name.

    A layer that the calibration windows never reach, such as an expert that no token is sent to, is pruned by
    magnitude: there is nothing else to judge it by.
    """
    name = evidence.layer.name
    if evidence.says_nothing(method.options.needs):
        by_magnitude = method_for(Magnitude()).prune(evidence, target)
        return replace(by_magnitude, warnings=("no calibration token reaches it: pruned by magnitude",))
    try:
        result = method.prune(evidence, target)
    except NumericalFailure as error:
        raise NumericalFailure(f"layer {name}: {error}") from error
    if options is not None:
        result = refitted(evidence, result, options)
    if result.weight is not None and not torch.isfinite(result.weight).all():
        raise NumericalFailure(
            f"layer {name}: its new weights are not finite; use a larger damping, or dtype float32"
        )
    return result
