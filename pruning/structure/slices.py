"""Units that can be taken out of a block as a whole, and where its parameters hold them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.recipe import UnitKind


@dataclass(frozen=True)
class Slice:
    """Where one parameter holds the units: along one of its dimensions."""

    parameter: str  # its name in the model
    dimension: int
    parts: tuple[Tensor, ...]  # the positions of each unit in each part, int64 (units, width)

    def positions(self, units: Tensor) -> Tensor:
        """Return the positions of `units`, int64 (any,), in the order in which the parameter holds them."""
        return torch.cat([part[units].flatten() for part in self.parts])


@dataclass(frozen=True)
class Units(ABC):
    """The units of one kind in one block."""

    kind: UnitKind
    count: int
    slices: tuple[Slice, ...]  # of every parameter that holds some of them

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
