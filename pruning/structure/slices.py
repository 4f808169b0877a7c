"""Units that can be taken out of a block as a whole, and where its parameters hold them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.models.layers import LinearLayer
from pruning.recipe import UnitKind


@dataclass(frozen=True)
class Slice:
    """Where one parameter holds the units: along one of its dimensions, or of those of one of its experts."""

    parameter: str  # its name in the model
    dimension: int  # of what `of` returns
    parts: tuple[Tensor, ...]  # the positions of each unit in each part, int64 (units, width)
    expert: int | None = None  # whose tensor it is, in a parameter that stacks those of all experts

    def of(self, stored: Tensor) -> Tensor:
        """Return the part of a tensor shaped like the parameter that has the dimension, as a view."""
        return stored if self.expert is None else stored[self.expert]

    @property
    def dimension_of_parameter(self) -> int:
        """The same dimension, counted in the whole parameter."""
        return self.dimension if self.expert is None else self.dimension + 1

    def positions(self, units: Tensor) -> Tensor:
        """Return the positions of `units`, int64 (any,), in the order in which the parameter holds them."""
        return torch.cat([part[units].flatten() for part in self.parts])


@dataclass(frozen=True)
class Units(ABC):
    """The units of one kind in one block."""

    kind: UnitKind
    count: int
    slices: tuple[Slice, ...]  # of every parameter that holds some of them

    @property
    def in_config(self) -> int:
        """How many there are as the model's config counts them: each expert has as many channels."""
        return self.count

    @property
    def readers(self) -> tuple[LinearLayer, ...]:
        """The layers whose inputs are these units; none for experts."""
        return ()

    def places(self, units: Tensor) -> Iterator[tuple[Slice, Tensor]]:
        """Yield each slice, with the numbers that some of the units, int64 (any,), have in it."""
        yield from ((place, units) for place in self.slices)

    def removed(self, kept: Tensor) -> Tensor:
        """Return the units that are not in `kept`, both int64, in ascending order."""
        left = torch.ones(self.count, dtype=torch.bool)
        left[kept] = False
        return left.nonzero().flatten()

    @abstractmethod
    def mask(self, gone: Tensor) -> None:
        """Let the block compute as if it did not have these units, in place. `gone`: int64 (any,)."""


def refused(model: PreTrainedModel, kind: str, reason: str) -> InvalidInput:
    """Return the error of a model that cannot lose units of a kind."""
    return InvalidInput(f"{type(model).__name__} cannot lose {kind}: {reason}", field=f"structure.{kind}")
