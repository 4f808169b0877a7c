"""What every pruning method is, and how its options find it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor

from pruning.blocks import LinearLayer
from pruning.gradients import GradientNorms
from pruning.patterns import ComparisonGroup
from pruning.recipe import GradientNorm, MethodOptions
from pruning.statistics import InputStatistics


@dataclass(frozen=True)
class LayerEvidence:
    """What a method may ask about a layer: float32, or float64 for a float64 model."""

    layer: LinearLayer
    statistics: InputStatistics
    gradients: GradientNorms

    @property
    def weight(self) -> Tensor:
        """(outputs, inputs), the dense weight."""
        matrix = self.layer.matrix
        return matrix.to(torch.promote_types(matrix.dtype, torch.float32))

    @property
    def input_norms(self) -> Tensor:
        """(inputs,), ‖X_j‖₂/√N; for a method that declares the need `input_norms`."""
        return self.statistics.input_norms(self.layer)

    def gradient_norms(self, norm: GradientNorm) -> Tensor:
        """(outputs, inputs), without any scale; for a method that declares the need `gradient_norms`."""
        return self.gradients[norm][self.layer.name].to(self.layer.matrix.device)


OptionsT = TypeVar("OptionsT", bound=MethodOptions)


class Method(ABC, Generic[OptionsT]):
    """Gives every weight of a layer a score; within a comparison group, the lowest scores are pruned."""

    group: ClassVar[ComparisonGroup] = "row"

    def __init__(self, options: OptionsT) -> None:
        """With the options of one recipe."""
        self.options = options

    @abstractmethod
    def score(self, layer: LayerEvidence) -> Tensor:
        """(outputs, inputs); finite, or the run fails with the layer's name."""


_METHODS: dict[type[MethodOptions], type[Method[Any]]] = {}


def implements(options: type[OptionsT]) -> Callable[[type[Method[OptionsT]]], type[Method[OptionsT]]]:
    """Class decorator: this method is what these options mean."""

    def register(method: type[Method[OptionsT]]) -> type[Method[OptionsT]]:
        _METHODS[options] = method
        return method

    return register


def method_for(options: MethodOptions) -> Method[Any]:
    """The method of a recipe, from `pruning/methods/<name>.py`."""
    import_module(f"pruning.methods.{options.name}")
    return _METHODS[type(options)](options)
