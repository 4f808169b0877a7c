"""The pruning target of every layer: its part of the recipe's sparsity."""

from pruning.masks.patterns import LayerTarget
from pruning.methods.allocation.base import DenseModel, allocation_for
from pruning.methods.allocation.rounding import zero_counts
from pruning.recipe import Recipe


def layer_targets(recipe: Recipe, dense: DenseModel) -> dict[str, LayerTarget]:
    """The target of each layer, by name.

    With a uniform allocation the method rounds the sparsity to whole weights. Any other allocation meets the
    recipe's overall sparsity exactly: its targets are numbers of zeros.
    """
    sparsities = allocation_for(recipe.allocation)(recipe.allocation, recipe.sparsity, dense)
    if sparsities is None:
        return {layer.name: LayerTarget(recipe.pattern, recipe.sparsity) for layer in dense.layers}
    counts = zero_counts(sparsities, dense.sizes, total=int(sum(dense.sizes) * recipe.sparsity))
    return {
        layer.name: LayerTarget(recipe.pattern, count / size, zeros=count)
        for layer, size, count in zip(dense.layers, dense.sizes, counts, strict=True)
    }
