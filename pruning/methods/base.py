"""The base classes of pruning methods, and what a method is given and returns."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.window_norms import GradientNorms
from pruning.errors import NumericalFailure
from pruning.masks.patterns import (
    SPARSITY_TOLERANCE,
    ComparisonGroup,
    LayerTarget,
    lowest_of_row_totals,
    select,
)
from pruning.models.layers import LinearLayer
from pruning.recipe import GradientNorm, MethodOptions, Need


@dataclass(frozen=True)
class LayerStats:
    """A layer's weights and what was measured on it, as float32, or float64 for a float64 model.

    With X the inputs of the layer over all calibration tokens, and N the number of calibration windows.
    """

    layer: LinearLayer
    statistics: InputStatistics
    gradients: GradientNorms
    refit_target: Tensor | None = None  # None: the dense weight; see `target_weight`
    _fetched: dict[GradientNorm, Tensor] = field(default_factory=dict, repr=False, compare=False)

    @property
    def weight(self) -> Tensor:
        """The dense weight: (outputs, inputs)."""
        matrix = self.layer.matrix
        return matrix.to(torch.promote_types(matrix.dtype, torch.float32))

    @property
    def target_weight(self) -> Tensor:
        """The unpruned weight whose outputs refit reproduces: (outputs, inputs)."""
        return self.weight if self.refit_target is None else self.refit_target

    @property
    def activation_error(self) -> Tensor | None:
        """See `InputStatistics.activation_error`: (outputs, inputs), None if it was not measured."""
        return self.statistics.activation_error(self.layer, self.weight)

    @property
    def input_norms(self) -> Tensor:
        """‖X_j‖₂/√N: (inputs,). Needs `input_norms`."""
        return self.statistics.of(self.layer, "input_norms")

    @property
    def second_moments(self) -> Tensor:
        """The mean of XᵀX over windows: (inputs, inputs). Needs `second_moments`."""
        return self.statistics.of(self.layer, "second_moments")

    @property
    def inputs_per_token(self) -> float:
        """Inputs ÷ the tokens that `second_moments` are of; 0 where no token reached the layer."""
        tokens = self.statistics.tokens(self.layer)
        return self.layer.inputs / tokens if tokens else 0.0

    def gradient_norms(self, norm: GradientNorm) -> Tensor:
        """The norm over windows of the loss gradient, unscaled: (outputs, inputs). Needs `gradient_norms`.

        It is fetched to the layer's device at most once: it may have to be read from a file.
        """
        if norm not in self._fetched:
            self._fetched[norm] = self.gradients[norm][self.layer.name].to(self.layer.matrix.device)
        return self._fetched[norm]

    def has_no_signal(self, needs: Collection[Need]) -> bool:
        """Whether everything measured for `needs` is zero; False if nothing is needed."""
        measured = False
        for tensor in self._measured(needs):
            if bool(tensor.any()):
                return False
            measured = True
        return measured

    def _measured(self, needs: Collection[Need]) -> Iterator[Tensor]:
        """What was measured, that which costs least first: what comes later may not be asked for."""
        yield from (self.statistics.of(self.layer, need) for need in needs if need != "gradient_norms")
        if "gradient_norms" in needs:
            yield from map(self.gradient_norms, self.gradients)


@dataclass(frozen=True)
class PrunedMatrix:
    """A method's result for one layer.

    Attributes
    ----------
    mask
        bool (outputs, inputs), True where a weight is pruned.
    weight
        The new weights (outputs, inputs), if the method changes weights that it keeps.
    warnings
        For the report, without the layer's name.
    swap_reduction
        By how much swaps have lowered a row's squared error, relative to it, in the median; see
        `pruning.methods.swaps`.
    """

    mask: Tensor
    weight: Tensor | None = None
    warnings: tuple[str, ...] = ()
    swap_reduction: float | None = None


OptionsT = TypeVar("OptionsT", bound=MethodOptions)


class Method(ABC, Generic[OptionsT]):
    """A pruning method with the options of one recipe."""

    def __init__(self, options: OptionsT) -> None:
        self.options = options

    @abstractmethod
    def prune(self, layer: LayerStats, target: LayerTarget) -> PrunedMatrix:
        """Choose the weights to prune and, optionally, new values for the others. Does not change the layer.

        Raises NumericalFailure, without the layer's name.
        """

    def numerics_key(self, device: torch.device, pattern: str) -> Mapping[str, str]:
        """Return what else decides the last bits on `device`, such as whether a kernel runs there."""
        return {}


class ScoringMethod(Method[OptionsT]):
    """A method that scores every weight; the lowest scores of each comparison group are pruned."""

    group: ClassVar[ComparisonGroup] = "row"

    @abstractmethod
    def score(self, layer: LayerStats) -> Tensor:
        """Return the scores: (outputs, inputs). The run fails if one is not finite."""

    def prune(self, layer: LayerStats, target: LayerTarget) -> PrunedMatrix:
        scores = self.score(layer)
        if not torch.isfinite(torch.stack(scores.aminmax())).all():
            raise NumericalFailure(
                "its scores are not finite; check that the model gives a finite perplexity in this dtype, or "
                "use float32"
            )
        return self.select(scores, target)

    def select(self, scores: Tensor, target: LayerTarget) -> PrunedMatrix:
        """Turn finite scores into a mask."""
        return PrunedMatrix(select(scores, target, self.group))


class RowSelectingMethod(ScoringMethod[OptionsT]):
    """A scoring method whose option `selection` may ask for Wanda's cumulative variant."""

    def select(self, scores: Tensor, target: LayerTarget) -> PrunedMatrix:
        if getattr(self.options, "selection", "share") == "share":
            return super().select(scores, target)
        mask = lowest_of_row_totals(scores, target.sparsity)
        sparsity = float(mask.float().mean())
        if abs(sparsity - target.sparsity) <= SPARSITY_TOLERANCE:
            return PrunedMatrix(mask)
        return PrunedMatrix(
            mask, warnings=(f"the cumulative selection ends at {sparsity:.4f} of {target.sparsity:g}",)
        )


def method_for(options: MethodOptions) -> Method[Any]:
    """Return the method that these options describe, imported from `options.implementation`."""
    method: type[Method[Any]] = resolve_name(options.implementation)
    return method(options)
