"""No pruning: every weight is kept, as for a model that is only measured and exported."""

import torch

from pruning.masks.patterns import LayerTarget
from pruning.methods.base import LayerStats, Method, PrunedMatrix
from pruning.recipe.methods import NoPruning


class NoPruningMethod(Method[NoPruning]):
    """Gives a mask without a pruned weight."""

    def prune(self, layer: LayerStats, target: LayerTarget) -> PrunedMatrix:
        return PrunedMatrix(torch.zeros_like(layer.weight, dtype=torch.bool))
