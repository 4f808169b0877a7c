"""The target of every layer: its part of the recipe's sparsity."""

from collections.abc import Callable, Iterator

from torch import Tensor

from pruning.activations.statistics import InputStatistics
from pruning.activations.walk import BlockwiseForward
from pruning.allocation import gradient, owl
from pruning.allocation.rounding import spread, zero_counts
from pruning.gradients.window_norms import GradientNorms
from pruning.masks.patterns import LayerTarget
from pruning.methods.wanda import wanda_scores
from pruning.model.blocks import Stack
from pruning.model.placement import Placement
from pruning.recipe import GradientGuided, Owl, Recipe


def layer_targets(
    recipe: Recipe,
    stack: Stack,
    gradients: GradientNorms,
    placement: Placement,
    dense_walk: Callable[[], BlockwiseForward],
) -> dict[str, LayerTarget]:
    """By layer name. Uniform leaves the rounding to the method; other allocations meet the total exactly.

    `gradients`: the dense model's, where the allocation needs them. `dense_walk` gives the calibration
    windows before the first block, while the model is dense; only OWL asks for it.
    """
    layers = list(stack.layers)
    sizes = [layer.inputs * layer.outputs for layer in layers]
    match recipe.allocation:
        case GradientGuided() as options:
            prunable = gradient.shares_up_to_common_threshold(
                lambda: _saliencies(stack, gradients, placement), share=recipe.sparsity
            )
            sparsities = spread(prunable, sizes, sparsity=recipe.sparsity, band=options.band)
        case Owl() as options:
            sparsities = _owl_sparsities(recipe.sparsity, options, stack, placement, dense_walk())
        case _:
            return {layer.name: LayerTarget(recipe.pattern, recipe.sparsity) for layer in layers}
    counts = zero_counts(sparsities, sizes, total=int(sum(sizes) * recipe.sparsity))
    return {
        layer.name: LayerTarget(recipe.pattern, count / size, zeros=count)
        for layer, size, count in zip(layers, sizes, counts, strict=True)
    }


def _saliencies(stack: Stack, gradients: GradientNorms, placement: Placement) -> Iterator[Tensor]:
    """|W_ij|·‖G_:,ij‖₂, one layer after the other."""
    for index, block in enumerate(stack.blocks):
        with placement.resident(block.module, then=stack.module_after(index)):
            for layer in block.layers:
                weight = layer.matrix
                yield weight.abs() * gradients["l2"][layer.name].to(weight.device)


def _owl_sparsities(
    sparsity: float, options: Owl, stack: Stack, placement: Placement, walk: BlockwiseForward
) -> list[float]:
    """One for each layer: those of a block have the same."""
    outliers, sizes = [], []
    for index, block in enumerate(stack.blocks):
        with placement.resident(block.module, then=stack.module_after(index)):
            if block.layers:
                statistics = InputStatistics(block.layers, {"input_norms"})
                walk.measure(index, statistics)
                norms = (statistics.of(layer, "input_norms") for layer in block.layers)
                scores = [
                    wanda_scores(layer.matrix, norm) for layer, norm in zip(block.layers, norms, strict=True)
                ]
                outliers.append(owl.outlier_share(scores, threshold=options.threshold))
                sizes.append(sum(score.numel() for score in scores))
            if index + 1 < len(stack.blocks):
                walk.advance(index)
    of_blocks = owl.sparsities(outliers, sizes, sparsity=sparsity, band=options.band)
    pruned = (block for block in stack.blocks if block.layers)
    return [value for value, block in zip(of_blocks, pruned, strict=True) for _ in block.layers]
