"""Prune a model block by block."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward, PairedForward
from pruning.calibration.linalg import DAMPING
from pruning.calibration.window_norms import GradientNorms
from pruning.errors import NumericalFailure
from pruning.masks.packed import set_to_zero
from pruning.masks.patterns import LayerTarget
from pruning.methods import LayerStats, Method, PrunedMatrix, method_for
from pruning.methods.allocation import DenseModel, layer_targets
from pruning.methods.permutation import Permuted, Permuter, norms_in_order, put_in_order
from pruning.methods.refit import refitted, with_target
from pruning.methods.results import (
    BlockFacts,
    InMemory,
    Pruned,
    PrunedBlock,
    PrunedBlocks,
    PrunedLayer,
    Targets,
)
from pruning.methods.swaps import swapped
from pruning.models.blocks import Block, Stack, prunable_stack
from pruning.models.layers import LinearLayer
from pruning.models.memory import micro_batches
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.recipe import Need, Recipe, RefitOptions
from pruning.recipe.methods import Magnitude
from pruning.resume.store import SaveThrottle
from pruning.runtime.process_memory import retain_freed_heap

log = logging.getLogger(__name__)

_ANY_TOKENS = torch.arange(16)[None]  # ids that every vocabulary has
_NAMED_IN_A_WARNING = 3
_INPUTS: frozenset[Need] = frozenset({"input_norms", "second_moments"})


def prune(
    model: PreTrainedModel,
    recipe: Recipe,
    windows: Tensor | None,
    gradients: GradientNorms,
    *,
    step: Callable[[int, int], None],
    placement: Placement | None = None,
) -> Pruned:
    """Prune `model` in place, with the result in memory. See `prune_blocks`.

    Raises what `prunable_stack` raises, and NumericalFailure with the name of the layer.
    """
    return prune_blocks(
        prunable_stack(model, recipe),
        recipe,
        windows,
        gradients,
        placement=placement or Placement(model),
        blocks=InMemory(),
        step=step,
    )


@torch.no_grad()
@retain_freed_heap()
def prune_blocks(
    stack: Stack,
    recipe: Recipe,
    windows: Tensor | None,
    gradients: GradientNorms,
    *,
    placement: Placement,
    blocks: PrunedBlocks,
    step: Callable[[int, int], None],
) -> Pruned:
    """Prune the blocks that are not finished, in place, in the model as it is placed on its compute device.

    Block by block: its channels are put in another order, if the recipe says so; the calibration windows run
    through the block and the inputs of its linear layers are measured; the method prunes each layer, and a
    refit solves its kept weights again; the windows run through the pruned block, and its outputs are the
    inputs of the next. With the recipe's order 'layers', the layers that share an input are one step,
    measured after the earlier layers of their block have been pruned; so are the first matrices of all
    experts, and the last ones.

    `windows`: token ids, int64 (windows, length); None for a method that measures no inputs. `gradients`: the
    norms of the dense model; empty for a method that uses none. `blocks` holds the finished blocks and takes
    each new one at once. Finished blocks are applied and passed through on the way to the first unfinished
    one, so that the result is that of an uninterrupted run, bit for bit on a CPU. `step` is called after each
    block; an exception that it raises ends the run.

    Raises NumericalFailure with the name of the layer.
    """
    stack.model.requires_grad_(False).eval()
    throttle = SaveThrottle()
    missing = [index for index in range(len(stack.blocks)) if index not in blocks]
    if not missing:
        return Pruned(blocks, len(stack.blocks))
    first, last = missing[0], missing[-1]
    # One replay serves all: its checks take two passes over the weights.
    replay = cache(lambda: Replay(stack, _ANY_TOKENS if windows is None else windows, placement))
    permuter = Permuter(stack, recipe) if recipe.permute else None
    dense_forward = partial(_forward, BlockwiseForward, replay, windows, placement)
    targets = _targets(recipe, blocks, DenseModel(stack, gradients, placement, dense_forward))
    with ExitStack() as ending:
        forward = None
        if recipe.needs & _INPUTS:
            paired = "activation_error" in recipe.needs
            walk = _forward(PairedForward if paired else BlockwiseForward, replay, windows, placement)
            forward = ending.enter_context(walk)
            first = forward.resume(blocks.activation_checkpoint, no_later_than=first)
        else:  # nothing is replayed, but a model that cannot be replayed is refused whatever the method
            replay()
        for index in range(first, last + 1):
            block = stack.blocks[index]
            with placement.resident(block.module, then=stack.module_after(index)):
                finished = _finished(blocks, index)
                permuted = _in_order(finished, index, block, permuter, gradients, forward)
                if forward is not None:
                    forward.begin_block(index)
                if finished is not None:
                    finished.apply_to(block)
                else:
                    # Without a name, which would keep its masks and weights during the next block.
                    blocks.put(
                        index, _pruned_block(recipe, index, block, targets, permuted, gradients, forward)
                    )
                if forward is not None and index < last:
                    forward.advance(index)
                    forward.save(blocks.activation_checkpoint, index + 1, throttle)
            step(index + 1, len(stack.blocks))
    return Pruned(blocks, len(stack.blocks))


def _targets(recipe: Recipe, blocks: PrunedBlocks, dense: DenseModel) -> Targets:
    """Return the targets of all layers, from an earlier attempt where they were read off the dense model."""
    targets = blocks.targets()
    if targets is None:
        targets = layer_targets(recipe, dense)
        if recipe.allocation.needs:
            blocks.put_targets(targets)
    return targets


def _forward(
    kind: Callable[[Replay, Sequence[Tensor]], BlockwiseForward],
    replay: Callable[[], Replay],
    windows: Tensor | None,
    placement: Placement,
) -> BlockwiseForward:
    """Place the windows before the first block."""
    if windows is None:
        raise ValueError("this recipe measures the inputs of layers: it needs calibration windows")
    found = replay()
    return kind(found, micro_batches(found.stack, windows, backward=False, device=placement.device))


def _finished(blocks: PrunedBlocks, index: int) -> PrunedBlock | None:
    if index not in blocks:
        return None
    return blocks[index]


def _in_order(
    finished: PrunedBlock | None,
    index: int,
    block: Block,
    permuter: Permuter | None,
    gradients: GradientNorms,
    forward: BlockwiseForward | None,
) -> Permuted:
    """Put the channels of a dense block in its new order, if it gets one, in place."""
    if finished is not None:
        put_in_order(block, finished.orders)
    elif permuter is not None and forward is not None:
        return permuter.permute(index, block, forward, gradients)
    return Permuted()


def _pruned_block(
    recipe: Recipe,
    index: int,
    block: Block,
    targets: Targets,
    permuted: Permuted,
    gradients: GradientNorms,
    forward: BlockwiseForward | None,
) -> PrunedBlock:
    """Prune the block that the windows have reached, in place. `gradients`: of the dense block."""
    gradients = norms_in_order(gradients, block.layers, permuted.orders)
    pruner = _BlockPruner(recipe, index, targets, gradients)
    if forward is None or not recipe.needs & _INPUTS:
        pruner.prune(block.layers, InputStatistics(block.layers, ()))
    else:
        for layers in forward.input_groups(index) if recipe.order == "layers" else (block.layers,):
            if layers:  # none may be selected
                statistics = InputStatistics(layers, recipe.needs)
                forward.measure(index, statistics)
                pruner.prune(layers, statistics)
    pruned = pruner.result(block)
    facts = replace(pruned.facts, reordered=permuted.moved, left_in_order=permuted.left)
    return replace(pruned, facts=facts, orders=permuted.orders)


class _BlockPruner:
    """Prunes the layers of one block, and collects the results."""

    def __init__(self, recipe: Recipe, index: int, targets: Targets, gradients: GradientNorms) -> None:
        self._method = method_for(recipe.mask_method)
        self._refit, self._swaps = recipe.refit, recipe.swaps
        self._index = index
        self._targets = targets
        self._gradients = gradients
        self._masks: dict[str, Tensor] = {}
        self._changed: set[str] = set()
        self._layers: dict[str, PrunedLayer] = {}
        self._warned: dict[str, list[str]] = {}  # layer names by warning

    def prune(self, layers: Sequence[LinearLayer], statistics: InputStatistics) -> None:
        """Prune layers in place. `statistics` were measured before any of these layers was pruned."""
        for layer in layers:
            self._prune(layer, statistics)

    def _prune(self, layer: LinearLayer, statistics: InputStatistics) -> None:
        """Prune one layer, in a frame of its own: what it takes is free for the next."""
        stats = LayerStats(layer, statistics, self._gradients)
        pruned = _pruned_layer(self._method, stats, self._targets[layer.name], self._refit, self._swaps)
        dense = layer.matrix.clone()
        if pruned.weight is not None:
            layer.matrix.copy_(pruned.weight)
            pruned = replace(pruned, weight=None)  # frees it
            self._changed.add(layer.parameter_name)
        set_to_zero(layer.matrix, pruned.mask)
        # A parameter may hold several layers.
        if layer.parameter_name not in self._masks:
            self._masks[layer.parameter_name] = torch.zeros_like(layer.parameter, dtype=torch.bool)
        layer.as_matrix(self._masks[layer.parameter_name]).copy_(pruned.mask)
        self._layers[layer.name] = PrunedLayer(
            layer.name,
            self._index,
            (layer.outputs, layer.inputs),
            zeros=int(pruned.mask.sum()),
            relative_error=statistics.relative_error(layer, dense),
            swap_reduction=pruned.swap_reduction,
        )
        for warning in dict.fromkeys(pruned.warnings):  # a target and a search for it may say the same
            self._warned.setdefault(warning, []).append(layer.name)

    def result(self, block: Block) -> PrunedBlock:
        """Return the pruned block, its layers in the order of the model."""
        parameters = {layer.parameter_name: layer.parameter for layer in block.layers}
        return PrunedBlock(
            masks={name: self._masks[name] for name in parameters},
            weights={
                name: parameter.detach().cpu()
                for name, parameter in parameters.items()
                if name in self._changed
            },
            facts=BlockFacts(
                tuple(self._layers[layer.name] for layer in block.layers),
                tuple(_warning(names, text) for text, names in self._warned.items()),
                tuple(parameters),
            ),
        )


def _warning(names: Sequence[str], text: str) -> str:
    """Return one line for all layers of a block: hundreds of experts may receive no token."""
    more = len(names) - _NAMED_IN_A_WARNING
    named = ", ".join(names[:_NAMED_IN_A_WARNING]) + (f" and {more} more of its block" if more > 0 else "")
    return f"layer{'s' if len(names) > 1 else ''} {named}: {text}"


def _pruned_layer(
    method: Method[Any],
    stats: LayerStats,
    target: LayerTarget,
    refit: RefitOptions | None,
    swaps: int | None,
) -> PrunedMatrix:
    """Apply method, refit and swaps to one layer. Raises NumericalFailure with the name of the layer.

    A layer that no calibration token reaches, such as an expert that the router never chooses, is pruned by
    magnitude: nothing else is known of it.
    """
    name = stats.layer.name
    if stats.has_no_signal(method.options.needs):
        by_magnitude = method_for(Magnitude()).prune(stats, target)
        return replace(by_magnitude, warnings=("no calibration token reaches it: pruned by magnitude",))
    warnings: tuple[str, ...] = ()
    damping = DAMPING
    try:
        if refit is not None:
            stats, damping, warnings = with_target(stats, refit)
        result = method.prune(stats, target)
    except NumericalFailure as error:
        raise NumericalFailure(f"layer {name}: {error}") from error
    if refit is not None:
        result = refitted(stats, result, refit, damping=damping)
    if swaps is not None:
        result = swapped(stats, result, target.pattern, most=swaps)
    if result.weight is not None and not torch.isfinite(result.weight).all():
        raise NumericalFailure(
            f"layer {name}: its new weights are not finite; use a larger ridge, or dtype float32"
        )
    return replace(result, warnings=(*warnings, *result.warnings))
