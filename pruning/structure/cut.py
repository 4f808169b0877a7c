"""Cut a model block by block: choose the units to keep, mask the others, repair the layers that read them.

The model keeps its shapes here: a removed unit is masked, by zeros in the layer that reads it. The windows
run through the cut model as they advance, and `pruning.output.smaller` removes masked units from the
checkpoint.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial

import torch
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward, Retry, once
from pruning.calibration.linalg import DAMPING, damped, shrunken, with_rising_damping
from pruning.calibration.window_norms import GradientNorms
from pruning.errors import NumericalFailure
from pruning.models.blocks import Stack
from pruning.models.layers import ExpertLayer
from pruning.models.memory import host_holds_states, micro_batches
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.recipe import Need, UnitName
from pruning.recipe.units import EXPERTS
from pruning.resume.store import SaveThrottle
from pruning.runtime.process_memory import retain_freed_heap
from pruning.structure.mlp_channels import ExpertChannels
from pruning.structure.plan import CutPlan, UnitPlan
from pruning.structure.results import CutBlock, CutBlocks
from pruning.structure.scores import (
    gate_scores,
    inverse_of,
    kept_by_rounds,
    repaired,
)
from pruning.structure.units import ReadUnits, ScoredUnits, Units

_NEEDS: frozenset[Need] = frozenset({"second_moments"})
ROUNDS = 16
"""In how many rounds units are removed: the others are ranked again after each."""
SHRINKAGE = 0.3
"""What the repair adds to each number on the diagonal of H, as a share of it."""


@torch.no_grad()
@retain_freed_heap()
def cut_blocks(  # noqa: PLR0913 - what decides a cut, and what follows it
    stack: Stack,
    plan: CutPlan,
    windows: Tensor,
    gates: GradientNorms,
    *,
    placement: Placement,
    blocks: CutBlocks,
    step: Callable[[int, int], None],
    retry: Retry = once,
    windows_of: Sequence[int] = (),
) -> None:
    """Cut the blocks that are not finished, in place, in the model as it is placed on its compute device.

    Block by block, and in a block the attention before the MLP: the windows run up to the layer that reads
    the units, behind everything that is cut already; units are ranked, the lowest are masked, and the layer
    is repaired; the windows run through the block, and its outputs are the inputs of the next.

    Parameters
    ----------
    stack
        The dense model.
    plan
        How many units stay; its units must be those of `stack`.
    windows
        Token ids, int64 (windows, length).
    gates
        From a gradient pass over the dense model, for the layers that read units; empty for experts alone.
    placement
        Where the model computes.
    blocks
        Holds the finished blocks, and takes each new one at once. Finished ones are applied again.
    step
        Called after each block; an exception that it raises ends the run.
    retry
        Cuts a block; never twice one that is not copied to the device, since it holds what failed.
    windows_of
        The number of windows of each dataset, one after the other; see `CutBlock.routed`.

    Raises
    ------
    NumericalFailure
        With the name of the layer.
    """
    stack.model.requires_grad_(False).eval()
    missing = [index for index in range(len(stack.blocks)) if index not in blocks]
    if not missing:
        return
    first, last = missing[0], missing[-1]
    pieces = micro_batches(stack, windows, placement.device)
    with BlockwiseForward(Replay(stack, windows, placement), pieces, windows_of=windows_of) as forward:
        first = forward.resume(blocks.activation_checkpoint, no_later_than=first)
        throttle = SaveThrottle()

        def cut(index: int) -> None:
            block, units = stack.blocks[index], plan.of_block(index)
            with placement.resident(block.module, then=stack.module_after(index)):
                if index in blocks:
                    blocks[index].apply_to(units)
                else:
                    blocks.put(index, _cut_block(stack, index, units, gates, forward))
                if index < last:
                    forward.advance(index)
                    forward.save(blocks.activation_checkpoint, index + 1, throttle)

        def reduce() -> None:
            placement.end_stage(prefetches=False)
            forward.free(to_host=host_holds_states(placement, windows.numel()))

        for index in range(first, last + 1):
            run = retry if placement.is_copied(stack.blocks[index].module) else once
            run(partial(cut, index), reduce)
            step(index + 1, len(stack.blocks))


def _cut_block(
    stack: Stack,
    index: int,
    units: Sequence[tuple[UnitPlan, Units]],
    gates: GradientNorms,
    forward: BlockwiseForward,
) -> CutBlock:
    """Cut the block that the windows have reached, in place."""
    kept: dict[UnitName, Tensor] = {}
    weights: dict[str, Tensor] = {}
    warnings: list[str] = []
    for plan, own in units:
        if isinstance(own, ScoredUnits):
            kept[own.kind], unseen = own.cut(index, plan.kept, forward)
            warnings += unseen
            continue
        statistics = InputStatistics(own.readers, _NEEDS)
        forward.measure(index, statistics)
        cutters = [_LayerCutter(stack, units, statistics, gates) for units in own.by_reader]
        kept[own.kind] = torch.cat(
            [cutter.cut(plan.kept) + number * plan.dense for number, cutter in enumerate(cutters)]
        )
        weights |= {layer.parameter_name: layer.parameter.detach().cpu() for layer in own.readers}
        warnings += [warning for cutter in cutters for warning in cutter.warnings]
        if isinstance(own, ExpertChannels):
            warnings += _unseen(own, cutters, kept.get(EXPERTS.name))
    return CutBlock(kept, weights, tuple(warnings), forward.routed_tokens.get(index, ()))


def _unseen(units: ExpertChannels, cutters: Sequence["_LayerCutter"], left: Tensor | None) -> list[str]:
    """Warn of kept experts whose channels could be ranked by nothing but their size."""
    numbers = range(len(cutters)) if left is None else left.tolist()
    count = sum(cutters[number].is_unseen for number in numbers)
    if not count:
        return []
    return [
        f"{count} of the experts left of {units.name} saw no token: their channels are ranked by magnitude, "
        "and not repaired; use more calibration windows"
    ]


class _LayerCutter:
    """Ranks the units that one layer reads, and repairs the layer."""

    def __init__(
        self, stack: Stack, units: ReadUnits, statistics: InputStatistics, gates: GradientNorms
    ) -> None:
        self._stack, self._units, self._statistics, self._gates = stack, units, statistics, gates
        matrix = units.consumer.matrix
        self._weight = matrix.to(torch.promote_types(matrix.dtype, torch.float32))
        self.warnings: list[str] = []

    def cut(self, keep: int) -> Tensor:
        """Mask the units to remove, and repair the layer's other weights.

        Return the units that stay, int64 (keep,), in ascending order. Raises NumericalFailure with the name
        of the layer.
        """
        try:
            kept = self._kept(keep)
            self._mask(kept)
        except NumericalFailure as error:
            raise NumericalFailure(f"layer {self._units.consumer.name}: {error}") from error
        return kept

    @cached_property
    def is_unseen(self) -> bool:
        """Whether no token has reached the layer, which is then that of an expert: its use is unknown."""
        return isinstance(self._units.consumer, ExpertLayer) and not self._moments.any()

    def _kept(self, keep: int) -> Tensor:
        if self.is_unseen:
            return self._magnitudes().argsort(stable=True)[self._units.count - keep :].sort().values.cpu()
        gates = self._gates["gates"][self._units.consumer.name].to(self._weight.device)
        score = gate_scores(gates, self._units.width)
        if not torch.isfinite(score).all():
            raise NumericalFailure(
                "its gate scores are not finite; check that the model gives a finite perplexity in this "
                "dtype, or use float32"
            )

        def attempt(damping: float) -> Tensor:
            with damped(self._moments, damping) as hessian:
                inverse = inverse_of(hessian)
            return kept_by_rounds(
                self._weight, inverse, {"gate": score}, width=self._units.width, keep=keep, rounds=ROUNDS
            )

        return self._solved("damping", DAMPING, attempt)

    def _mask(self, kept: Tensor) -> None:
        matrix, inputs = self._units.consumer.matrix, self._units.slices[-1]
        stay = inputs.positions(kept).to(matrix.device)
        if not self.is_unseen:

            def attempt(share: float) -> Tensor:
                with shrunken(self._moments, share) as hessian:
                    return repaired(self._weight, hessian, stay)

            weight = self._solved("shrinkage", SHRINKAGE, attempt)
            if not torch.isfinite(weight).all():
                raise NumericalFailure("its repaired weights are not finite; use dtype float32")
            matrix[:, stay] = weight.to(matrix.dtype)
        self._units.mask(self._units.removed(kept))

    def _magnitudes(self) -> Tensor:
        """Return the size of all weights of each unit, in whatever layer: (units,)."""
        total = torch.zeros(self._units.count, device=self._weight.device)
        for place in self._units.slices:
            parameter = place.of(self._stack.model.get_parameter(place.parameter).detach()).float()
            others = [number for number in range(parameter.ndim) if number != place.dimension]
            squares = parameter.square().sum(dim=others) if others else parameter.square()
            for part in place.parts:
                total += squares[part.to(squares.device)].sum(dim=1)
        return total.sqrt()

    @property
    def _moments(self) -> Tensor:
        return self._statistics.of(self._units.consumer, "second_moments")

    def _solved(self, name: str, least: float, attempt: Callable[[float], Tensor]) -> Tensor:
        result, warnings = with_rising_damping(attempt, least, name)
        self.warnings += [f"layer {self._units.consumer.name}: {warning}" for warning in warnings]
        return result
