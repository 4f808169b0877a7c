"""Allocations: functions from their options and the dense model to a sparsity for every layer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, Protocol

from pruning.calibration.activation_walk import BlockwiseForward
from pruning.calibration.window_norms import GradientNorms
from pruning.models.blocks import Block, Stack
from pruning.models.layers import LinearLayer
from pruning.models.placement import Placement
from pruning.recipe import AllocationOptions


@dataclass(frozen=True)
class DenseModel:
    """The model before pruning, with its gradient norms and calibration windows."""

    stack: Stack
    gradients: GradientNorms  # by norm and layer name; empty for an allocation that needs none
    placement: Placement
    calibration_walk: Callable[[], BlockwiseForward]  # the calibration windows before the first block

    @property
    def layers(self) -> Sequence[LinearLayer]:
        """The layers that will be pruned, in the order of the model."""
        return tuple(self.stack.layers)

    @property
    def sizes(self) -> Sequence[int]:
        """The number of weights of each layer."""
        return [layer.inputs * layer.outputs for layer in self.stack.layers]

    def resident_blocks(self) -> Iterator[tuple[int, Block]]:
        """Each block with its number, while its weights are on the device."""
        for index, block in enumerate(self.stack.blocks):
            with self.placement.resident(block.module, then=self.stack.module_after(index)):
                yield index, block


class Allocation(Protocol):
    """Spreads a sparsity over the layers of a model."""

    def __call__(self, options: Any, sparsity: float, dense: DenseModel) -> Sequence[float] | None:  # noqa: ANN401 - its own options
        """Return the sparsity of each layer of `dense.layers`, with `sparsity` as their mean by size.

        None: every layer has `sparsity`, rounded to whole weights by the method.
        """


def allocation_for(options: AllocationOptions) -> Allocation:
    """Return the allocation that these options describe, imported from `options.implementation`."""
    allocation: Allocation = resolve_name(options.implementation)
    return allocation


def uniform(options: AllocationOptions, sparsity: float, dense: DenseModel) -> None:
    """Every layer has the recipe's sparsity."""
