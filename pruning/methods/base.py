"""What every pruning method is, and how its options find it."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor

from pruning.activations.statistics import InputStatistics
from pruning.errors import NumericalFailure
from pruning.gradients.window_norms import GradientNorms
from pruning.masks.patterns import ComparisonGroup, LayerTarget, select
from pruning.masks.row_totals import CLOSE_ENOUGH, lowest_of_row_totals
from pruning.model.layers import LinearLayer
from pruning.recipe import GradientNorm, MethodOptions, Need


@dataclass(frozen=True)
class LayerStats:
    """What a method may ask about a layer: float32, or float64 for a float64 model."""

    layer: LinearLayer
    statistics: InputStatistics
    gradients: GradientNorms
    refit_target: Tensor | None = None  # None: the dense weight; see `target_weight`

    @property
    def weight(self) -> Tensor:
        """(outputs, inputs), the dense weight."""
        matrix = self.layer.matrix
        return matrix.to(torch.promote_types(matrix.dtype, torch.float32))

    @property
    def target_weight(self) -> Tensor:
        """(outputs, inputs), the unpruned weight whose outputs refit reproduces."""
        return self.weight if self.refit_target is None else self.refit_target

    @property
    def activation_error(self) -> Tensor | None:
        """(outputs, inputs); see `InputStatistics.activation_error`."""
        return self.statistics.activation_error(self.layer, self.weight)

    @property
    def input_norms(self) -> Tensor:
        """(inputs,), ‖X_j‖₂/√N; for a method that declares the need `input_norms`."""
        return self.statistics.of(self.layer, "input_norms")

    @property
    def second_moments(self) -> Tensor:
        """(inputs, inputs), XᵀX's mean over windows; for a recipe that declares the need `second_moments`."""
        return self.statistics.of(self.layer, "second_moments")

    def gradient_norms(self, norm: GradientNorm) -> Tensor:
        """(outputs, inputs), without any scale; for a method that declares the need `gradient_norms`."""
        return self.gradients[norm][self.layer.name].to(self.layer.matrix.device)

    def has_no_signal(self, needs: Collection[Need]) -> bool:
        """Whether all that was measured for `needs` is zero. Never for a method that needs no measurement."""
        measured = [self.statistics.of(self.layer, need) for need in needs if need != "gradient_norms"]
        if "gradient_norms" in needs:
            measured += [norms[self.layer.name] for norms in self.gradients.values()]
        return bool(measured) and not any(bool(tensor.any()) for tensor in measured)


@dataclass(frozen=True)
class PrunedMatrix:
    """What a method makes of a layer."""

    mask: Tensor  # bool (outputs, inputs), True where pruned
    weight: Tensor | None = None  # (outputs, inputs), where the method changes the weights that it keeps
    warnings: tuple[str, ...] = ()  # without the layer's name


OptionsT = TypeVar("OptionsT", bound=MethodOptions)


class Method(ABC, Generic[OptionsT]):
    """Decides which weights of a layer go, and what becomes of the others."""

    def __init__(self, options: OptionsT) -> None:
        """With the options of one recipe."""
        self.options = options

    @abstractmethod
    def prune(self, layer: LayerStats, target: LayerTarget) -> PrunedMatrix:
        """Leaves the layer as it is. Raises NumericalFailure, without the layer's name."""


class ScoringMethod(Method[OptionsT]):
    """Gives every weight of a layer a score; within a comparison group, the lowest scores are pruned."""

    group: ClassVar[ComparisonGroup] = "row"

    @abstractmethod
    def score(self, layer: LayerStats) -> Tensor:
        """(outputs, inputs); finite, or the run fails with the layer's name."""

    def prune(self, layer: LayerStats, target: LayerTarget) -> PrunedMatrix:
        """The lowest scores go, the others stay as they are."""
        scores = self.score(layer)
        if not torch.isfinite(torch.stack(scores.aminmax())).all():
            raise NumericalFailure(
                "its scores are not finite; check that the model gives a finite perplexity in this dtype, or "
                "use float32"
            )
        return self.select(scores, target)

    def select(self, scores: Tensor, target: LayerTarget) -> PrunedMatrix:
        """From finite scores to a mask."""
        return PrunedMatrix(select(scores, target, self.group))


class RowSelectingMethod(ScoringMethod[OptionsT]):
    """A scoring method whose options offer Wanda's variant: `selection`."""

    def select(self, scores: Tensor, target: LayerTarget) -> PrunedMatrix:
        """By share of each row, or by share of each row's total score."""
        if getattr(self.options, "selection", "share") == "share":
            return super().select(scores, target)
        mask = lowest_of_row_totals(scores, target.sparsity)
        sparsity = float(mask.float().mean())
        if abs(sparsity - target.sparsity) <= CLOSE_ENOUGH:
            return PrunedMatrix(mask)
        return PrunedMatrix(
            mask, warnings=(f"the cumulative selection ends at {sparsity:.4f} of {target.sparsity:g}",)
        )


def method_for(options: MethodOptions) -> Method[Any]:
    """The method that these options describe, imported from where `options.implementation` says."""
    method: type[Method[Any]] = resolve_name(options.implementation)
    return method(options)
