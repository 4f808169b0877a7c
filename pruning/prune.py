"""Pruning, block by block."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from transformers import PreTrainedModel

from pruning.gradients import GradientNorms
from pruning.recipe import Recipe


@dataclass(frozen=True)
class PrunedLayer:
    """What became of one weight matrix."""

    name: str
    weights: int
    zeros: int

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


def prune(
    model: PreTrainedModel,
    recipe: Recipe,
    windows: Tensor,
    gradients: GradientNorms,
    *,
    step: Callable[[int, int], None],
) -> Pruned:
    """Prune `model` in place as `recipe` says, and return the masks.

    `windows`: token ids, int64 (windows, length). `gradients`: from `gradient_norms` on the dense model; empty for
    a method that needs none. `step(done, blocks)` is called after each block; what it raises ends the run.
    """
    raise NotImplementedError


def check(model: PreTrainedModel, recipe: Recipe) -> int:
    """The number of blocks that `prune` will work through. Call it before expensive work.

    Raises InvalidInput where the model cannot be pruned (field 'model.id'), or the pattern does not fit one of
    its layers, which the message names (field 'pattern').
    """
    raise NotImplementedError
