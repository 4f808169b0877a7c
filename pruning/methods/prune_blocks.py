"""Prune a model block by block."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any, Self

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward, PairedForward, Retry, once
from pruning.calibration.linalg import DAMPING
from pruning.calibration.window_norms import GradientNorms, move_to_host
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
from pruning.models.memory import host_holds_states, micro_batches
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.recipe import Calibration, Need, Recipe, RefitOptions
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
        recipe.model_copy(update={"calibration": Calibration()}),  # it draws no windows: these are given
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
    retry: Retry = once,
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
    block; an exception that it raises ends the run. `retry`: prunes a block, and what comes before the first;
    a block that is not copied to the device is never pruned twice, since it holds what failed.

    Raises NumericalFailure with the name of the layer.
    """
    stack.model.requires_grad_(False).eval()
    missing = [index for index in range(len(stack.blocks)) if index not in blocks]
    if missing:
        with _Pruning(stack, recipe, windows, gradients, placement, blocks, missing[-1]) as pruning:
            retry(partial(pruning.begin, missing[0]), pruning.reduce)
            for index in range(pruning.next_block, missing[-1] + 1):
                run = retry if placement.is_copied(stack.blocks[index].module) else once
                run(partial(pruning.prune, index), pruning.reduce)
                step(index + 1, len(stack.blocks))
    return Pruned(blocks, len(stack.blocks))


class _Pruning:
    """The windows on their way through the blocks that are pruned, and all that decides how these are pruned.

    `begin` and `prune` can be called again after an error, if what was written to the block is lost.
    """

    def __init__(
        self,
        stack: Stack,
        recipe: Recipe,
        windows: Tensor | None,
        gradients: GradientNorms,
        placement: Placement,
        blocks: PrunedBlocks,
        last: int,
    ) -> None:
        """`last`: the block that is pruned last."""
        self._stack, self._recipe, self._windows = stack, recipe, windows
        self._gradients, self._placement, self._blocks = gradients, placement, blocks
        self._last = last
        self._permuter = Permuter(stack, recipe) if recipe.permute else None
        self._throttle = SaveThrottle()
        self._on_host = False  # hidden states
        self._targets: Targets = {}
        self._forward: BlockwiseForward | None = None  # None where no inputs are measured
        self.next_block = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._forward is not None:
            self._forward.__exit__(*error)

    def begin(self, first: int) -> None:
        """Choose the targets, and bring the windows before `first`, the first block that is not finished."""
        # One replay serves all: its checks take two passes over the weights.
        replay = cache(self._replay)
        dense = DenseModel(
            self._stack,
            self._gradients,
            self._placement,
            lambda: self._walk(BlockwiseForward, replay()),
        )
        self._targets = _targets(self._recipe, self._blocks, dense)
        if not self._recipe.needs & _INPUTS:
            replay()  # nothing is replayed, but a model that cannot be is refused whatever the method
            self.next_block = first
            return
        paired = "activation_error" in self._recipe.needs
        forward = self._walk(PairedForward if paired else BlockwiseForward, replay())
        self.next_block = forward.resume(self._blocks.activation_checkpoint, no_later_than=first)
        self._forward = forward

    def prune(self, index: int) -> None:
        """Prune the next block, or apply it if it is finished, and bring the windows past it."""
        block, forward, blocks = self._stack.blocks[index], self._forward, self._blocks
        with self._placement.resident(block.module, then=self._stack.module_after(index)):
            finished = None
            if index in blocks:
                finished = blocks[index]
            permuted = self._in_order(finished, index, block)
            if forward is not None:
                forward.begin_block(index)
            if finished is not None:
                finished.apply_to(block)
            else:
                # Without a name, which would keep its masks and weights during the next block.
                blocks.put(
                    index,
                    _pruned_block(
                        self._recipe, index, block, self._targets, permuted, self._gradients, forward
                    ),
                )
            if forward is not None and index < self._last:
                forward.advance(index)
                forward.save(blocks.activation_checkpoint, index + 1, self._throttle)

    def reduce(self) -> None:
        """Take less memory of the devices from now on, with the same results.

        Nothing is prefetched. Hidden states and norms are kept on the host, if it has room for them.
        """
        self._placement.end_stage(prefetches=False)
        if self._windows is not None:
            models = 2 if "activation_error" in self._recipe.needs else 1
            self._on_host = host_holds_states(self._placement, models * self._windows.numel())
        if self._forward is not None:
            self._forward.free(to_host=self._on_host)
        move_to_host(self._gradients)

    def _replay(self) -> Replay:
        return Replay(self._stack, _ANY_TOKENS if self._windows is None else self._windows, self._placement)

    def _walk(self, kind: type[BlockwiseForward], replay: Replay) -> BlockwiseForward:
        """Place the windows before the first block."""
        if self._windows is None:
            raise ValueError("this recipe measures the inputs of layers: it needs calibration windows")
        pieces = micro_batches(self._stack, self._windows, self._placement.device)
        windows_of = [share.samples for share in self._recipe.calibration.shares]
        return kind(replay, pieces, on_host=self._on_host, windows_of=windows_of)

    def _in_order(self, finished: PrunedBlock | None, index: int, block: Block) -> Permuted:
        """Put the channels of a dense block in its new order, if it gets one, in place."""
        if finished is not None:
            put_in_order(block, finished.orders)
        elif self._permuter is not None and self._forward is not None:
            return self._permuter.permute(index, block, self._forward, self._gradients)
        return Permuted()


def _targets(recipe: Recipe, blocks: PrunedBlocks, dense: DenseModel) -> Targets:
    """Return the targets of all layers, from an earlier attempt where they were read off the dense model."""
    targets = blocks.targets()
    if targets is None:
        targets = layer_targets(recipe, dense)
        if recipe.allocation.needs:
            blocks.put_targets(targets)
    return targets


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
                statistics.refuse_uncalled()
                pruner.prune(layers, statistics)
    pruned = pruner.result(block)
    routed = forward.routed_tokens.get(index, ()) if forward is not None else ()
    facts = replace(pruned.facts, reordered=permuted.moved, left_in_order=permuted.left, routed=routed)
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
