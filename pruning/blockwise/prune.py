"""Pruning, block by block."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.activations.paired_walk import PairedForward
from pruning.activations.statistics import InputStatistics
from pruning.activations.walk import BlockwiseForward
from pruning.allocation import DenseModel, layer_targets
from pruning.blockwise.results import (
    BlockFacts,
    InMemory,
    Pruned,
    PrunedBlock,
    PrunedBlocks,
    PrunedLayer,
    Targets,
)
from pruning.errors import InvalidInput, NumericalFailure
from pruning.gradients.window_norms import GradientNorms
from pruning.masks.packed import set_to_zero
from pruning.masks.patterns import LayerTarget, fits
from pruning.methods import LayerStats, Method, PrunedMatrix, method_for
from pruning.methods.refit import refitted, with_target
from pruning.model.batching import micro_batches
from pruning.model.blocks import Block, Stack
from pruning.model.layers import LinearLayer
from pruning.model.placement import Placement
from pruning.model.replay import Replay
from pruning.model.selection import selected_stack
from pruning.recipe import Recipe, RefitOptions
from pruning.recipe.methods import Magnitude
from pruning.resume.store import ActivationCheckpoint
from pruning.runtime.malloc import retain_freed_heap

_ANY_TOKENS = torch.arange(16)[None]  # ids that every vocabulary has
_NAMED_IN_A_WARNING = 3


@torch.no_grad()
@retain_freed_heap()
def prune(
    model: PreTrainedModel,
    recipe: Recipe,
    windows: Tensor | None,
    gradients: GradientNorms,
    *,
    step: Callable[[int, int], None],
    placement: Placement | None = None,
    finished: PrunedBlocks | None = None,
) -> Pruned:
    """Prune `model` as `recipe` says, in place where it lies where it computes, and return what became of it.

    Block by block: the calibration windows run through the block as it is, and what its linear layers are
    given is measured; each layer is pruned by the method, and on request its kept weights are solved again;
    the windows run through the pruned block, and what comes out is what the next block is given. With the
    recipe's order 'layers', the layers that share an input are a step of their own, measured behind the
    block's earlier ones as they were pruned.

    `windows`: token ids, int64 (windows, length); None for a method that measures no inputs. `gradients`:
    from `gradient_norms` on the dense model; empty for a method that needs none. `step(done, blocks)` is
    called after each block; what it raises ends the run.

    `finished` has the blocks that an earlier run of the same has finished, and takes the others, each at
    once; by default there are none, and all are held in memory. What is finished is not pruned again, but
    only passed on the way to what is not, and the result is that of a single run, bit for bit on a CPU.

    Raises what `prunable_stack` raises, and NumericalFailure with a layer's name.
    """
    stack = prunable_stack(model, recipe)
    model.requires_grad_(False).eval()
    placement = placement or Placement(model)
    blocks = InMemory() if finished is None else finished
    missing = [index for index in range(len(stack.blocks)) if index not in blocks]
    if missing:
        first, last = missing[0], missing[-1]
        targets = _targets(recipe, stack, windows, gradients, placement, blocks)
        walk = None
        if recipe.needs & {"input_norms", "second_moments"}:
            walk = _walk(
                stack,
                windows,
                placement,
                PairedForward if "activation_error" in recipe.needs else BlockwiseForward,
            )
            first = _take_up(walk, blocks.activation_checkpoint, no_later_than=first)
        else:  # nothing is replayed, but a model that cannot be is refused whatever the method
            Replay(stack, _ANY_TOKENS if windows is None else windows, placement)
        for index in range(first, last + 1):
            block = stack.blocks[index]
            with placement.resident(block.module, then=stack.module_after(index)):
                if walk is not None:
                    walk.enter(index)
                if index in blocks:
                    blocks[index].apply_to(block)
                else:
                    blocks.keep(index, _pruned_block(recipe, index, block, targets, gradients, walk))
                if walk is not None and index < last:
                    walk.advance(index)
                    blocks.activation_checkpoint.save(index + 1, walk.state())
            step(index + 1, len(stack.blocks))
    return Pruned(blocks, len(stack.blocks))


def _targets(
    recipe: Recipe,
    stack: Stack,
    windows: Tensor | None,
    gradients: GradientNorms,
    placement: Placement,
    blocks: PrunedBlocks,
) -> Targets:
    """Those that an earlier run has found on the dense model, or found now, while it is dense."""
    targets = blocks.targets()
    if targets is None:
        dense = DenseModel(stack, gradients, placement, lambda: _walk(stack, windows, placement))
        targets = layer_targets(recipe, dense)
        if recipe.allocation.needs:
            blocks.keep_targets(targets)
    return targets


def _walk(
    stack: Stack,
    windows: Tensor | None,
    placement: Placement,
    kind: type[BlockwiseForward] = BlockwiseForward,
) -> BlockwiseForward:
    """The windows before the first block."""
    if windows is None:
        raise ValueError("this recipe measures what layers are given: it needs calibration windows")
    pieces = micro_batches(stack, windows, backward=False, device=placement.device)
    return kind(Replay(stack, windows, placement), pieces)


def _take_up(
    walk: BlockwiseForward, activation_checkpoint: ActivationCheckpoint, *, no_later_than: int
) -> int:
    """Put the windows where an earlier run has left them, if that is not behind a block to be pruned; returns
    the block that they stand before.
    """
    left = activation_checkpoint.load()
    if left is None or left[0] > no_later_than:
        return 0
    index, state = left
    walk.restore(state)
    return index


def _pruned_block(
    recipe: Recipe,
    index: int,
    block: Block,
    targets: Targets,
    gradients: GradientNorms,
    walk: BlockwiseForward | None,
) -> PrunedBlock:
    """Prune a block in place, behind the blocks that the windows have come through."""
    pruning = _Pruning(recipe, index, targets, gradients)
    if walk is None:
        pruning.prune(block.layers, InputStatistics(block.layers, ()))
    else:
        for layers in walk.input_groups(index) if recipe.order == "layers" else (block.layers,):
            if layers:  # none may be selected
                statistics = InputStatistics(layers, recipe.needs)
                walk.measure(index, statistics)
                pruning.prune(layers, statistics)
    return pruning.result(block)


class _Pruning:
    """What has become of the layers of one block so far."""

    def __init__(self, recipe: Recipe, index: int, targets: Targets, gradients: GradientNorms) -> None:
        self._method = method_for(recipe.method)
        self._refit = recipe.refit
        self._index = index
        self._targets = targets
        self._gradients = gradients
        self._masks: dict[str, Tensor] = {}
        self._changed: set[str] = set()
        self._layers: dict[str, PrunedLayer] = {}
        self._warned: dict[str, list[str]] = {}  # the layers' names by what there is to say about them

    def prune(self, layers: Sequence[LinearLayer], statistics: InputStatistics) -> None:
        """Prune layers in place, all by what was measured before any of them was pruned."""
        for layer in layers:
            evidence = LayerStats(layer, statistics, self._gradients)
            pruned = _pruned(self._method, evidence, self._targets[layer.name], self._refit)
            dense = layer.matrix.clone()
            if pruned.weight is not None:
                layer.matrix.copy_(pruned.weight)
                self._changed.add(layer.parameter_name)
            set_to_zero(layer.matrix, pruned.mask)
            # A parameter may hold several layers.
            mask = self._masks.setdefault(
                layer.parameter_name, torch.zeros(layer.parameter.shape, dtype=torch.bool)
            )
            layer.as_matrix(mask).copy_(pruned.mask)
            self._layers[layer.name] = PrunedLayer(
                layer.name,
                self._index,
                (layer.outputs, layer.inputs),
                zeros=int(pruned.mask.sum()),
                relative_error=statistics.relative_error(layer, dense),
            )
            for warning in pruned.warnings:
                self._warned.setdefault(warning, []).append(layer.name)

    def result(self, block: Block) -> PrunedBlock:
        """Everything, in the order of the model."""
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
    """One line for all layers of a block: experts that no token is sent to can be hundreds."""
    more = len(names) - _NAMED_IN_A_WARNING
    named = ", ".join(names[:_NAMED_IN_A_WARNING]) + (f" and {more} more of its block" if more > 0 else "")
    return f"layer{'s' if len(names) > 1 else ''} {named}: {text}"


def prunable_stack(model: PreTrainedModel, recipe: Recipe) -> Stack:
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


def _pruned(
    method: Method[Any], evidence: LayerStats, target: LayerTarget, options: RefitOptions | None
) -> PrunedMatrix:
    """What method and refit make of one layer. Raises NumericalFailure with the layer's name.

    A layer that the calibration windows never reach, such as an expert that no token is sent to, is pruned by
    magnitude: there is nothing else to judge it by.
    """
    name = evidence.layer.name
    if evidence.has_no_signal(method.options.needs):
        by_magnitude = method_for(Magnitude()).prune(evidence, target)
        return replace(by_magnitude, warnings=("no calibration token reaches it: pruned by magnitude",))
    warnings: tuple[str, ...] = ()
    try:
        if options is not None:
            evidence, warnings = with_target(evidence, options)
        result = method.prune(evidence, target)
    except NumericalFailure as error:
        raise NumericalFailure(f"layer {name}: {error}") from error
    if options is not None:
        result = refitted(evidence, result, options)
    if result.weight is not None and not torch.isfinite(result.weight).all():
        raise NumericalFailure(
            f"layer {name}: its new weights are not finite; use a larger damping, or dtype float32"
        )
    return replace(result, warnings=(*warnings, *result.warnings))
