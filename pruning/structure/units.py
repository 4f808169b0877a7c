"""The units of a block that can be removed, and where its parameters hold them: what all kinds share.

Each kind of `pruning.recipe.UNIT_KINDS` has a module of its own, with a function that finds its units. Layers
are known by their names in transformers, which few families vary. What the names do not say, such as a norm
over all heads, shows when the smaller model's shapes are compared (`plan`), and when the smaller model is
compared with the masked one (`pruning.pipeline.structure`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from pruning.calibration.activation_walk import BlockwiseForward
from pruning.errors import InvalidInput
from pruning.models.blocks import Block, Stack, find_stack
from pruning.models.layers import LinearLayer, ModuleLayer, linear_layers
from pruning.recipe import UNIT_KINDS, UnitName
from pruning.recipe.units import ReaderLayer, UnitKind


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

    kind: UnitName
    count: int
    slices: tuple[Slice, ...]  # of every parameter that holds some of them

    @property
    def in_config(self) -> int:
        """How many there are as the model's config counts them: each expert has as many channels."""
        return self.count

    @property
    def by_reader(self) -> tuple["ReadUnits", ...]:
        """The units of each layer that reads some; none for a kind that has a score of its own."""
        return ()

    @property
    def readers(self) -> tuple[LinearLayer, ...]:
        """The layers whose inputs are these units."""
        return tuple(units.consumer for units in self.by_reader)

    def places(self, units: Tensor) -> Iterator[tuple[Slice, Tensor]]:
        """Yield each slice, with the numbers that some of the units, int64 (any,), have in it."""
        yield from ((place, units) for place in self.slices)

    def removed(self, kept: Tensor) -> Tensor:
        """Return the units that are not in `kept`, both int64, in ascending order."""
        left = torch.ones(self.count, dtype=torch.bool)
        left[kept] = False
        return left.nonzero().flatten()

    @abstractmethod
    def mask(self, units: Tensor) -> None:
        """Make the block compute as if it did not have these units, in place. `units`: int64 (any,)."""

    @abstractmethod
    def config_after(self, kept: int, config: PretrainedConfig, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of config.json that say that `kept` units are left; empty if no field says it.

        `config`: of the dense model. `values`: its config.json.
        """

    def reason_against(self, kept: int) -> str | None:
        """Return why a block cannot work with this many units; None if it can."""
        del kept  # any number
        return None

    def reason_unbuildable(self, values: Mapping[str, Any], config: PretrainedConfig) -> str | None:
        """Return why transformers refuses a config.json with `config_after`, where the units know why."""
        del values, config
        return None


class ScoredUnits(Units):
    """Units that one pass of the block ranks, by a score of their kind; no layer reads them."""

    @abstractmethod
    def cut(self, index: int, keep: int, forward: BlockwiseForward) -> tuple[Tensor, list[str]]:
        """Mask the units with the lowest scores, in place. Return the others, int64 (keep,), and warnings.

        `index`: of the block that the windows have reached.
        """


@dataclass(frozen=True)
class ReadUnits(Units):
    """The units of one kind in one block that one layer reads."""

    consumer: LinearLayer  # its inputs are the units, one after the other; its own slice is the last

    @property
    def width(self) -> int:
        """The consumer's inputs that make up one unit."""
        return self.consumer.inputs // self.count

    @property
    def by_reader(self) -> tuple["ReadUnits", ...]:
        return (self,)

    def mask(self, units: Tensor) -> None:
        matrix = self.consumer.matrix
        matrix[:, self.slices[-1].positions(units).to(matrix.device)] = 0


def find_units(stack: Stack, kind: UnitName) -> tuple[Units | None, ...]:
    """Return the units of a kind in each block; None for a block without those that others have (experts).

    The model may be on the meta device. Raises InvalidInput(field='structure.<kind>') with the reason where
    there are none, or not as many in each block.
    """
    find: Callable[[Stack], tuple[Units | None, ...]] = resolve_name(UNIT_KINDS[kind].implementation)
    found = find(stack)
    _refuse_several_counts(stack, [units for units in found if units is not None])
    return found


def _refuse_several_counts(stack: Stack, found: Sequence[Units]) -> None:
    counts = sorted({units.in_config for units in found})
    if len(counts) > 1 or len({units.count for units in found}) > 1:
        raise refused(stack.model, found[0].kind, f"its blocks have {counts}, and one config has one number")


def refused(model: PreTrainedModel, kind: str, reason: str) -> InvalidInput:
    """Return the error of a model that cannot lose units of a kind."""
    return InvalidInput(f"{type(model).__name__} cannot lose {kind}: {reason}", field=f"structure.{kind}")


def consumers(model: PreTrainedModel) -> Iterator[LinearLayer]:
    """Yield the layers that read units, of every kind that the model has and gates rank, block by block."""
    stack = find_stack(model)
    found: list[tuple[Units | None, ...]] = []
    for name, kind in UNIT_KINDS.items():
        if kind.is_ranked_by_gates:
            with suppress(InvalidInput):
                found.append(find_units(stack, name))
    for of_block in zip(*found, strict=True):
        for units in of_block:
            yield from () if units is None else units.readers


def layers_around(
    block: Block, kind: UnitKind
) -> Iterator[tuple[ReaderLayer, ModuleLayer, list[ModuleLayer]]]:
    """Yield the first reader of a kind that each module of the block has with all of its writers."""
    for siblings in _by_parent(block).values():
        for names in kind.readers:
            if names.name in siblings and all(name in siblings for name in names.writers):
                yield names, siblings[names.name], [siblings[name] for name in names.writers]
                break


def _by_parent(block: Block) -> dict[str, dict[str, ModuleLayer]]:
    parents: dict[str, dict[str, ModuleLayer]] = {}
    for layer in linear_layers(block.module, block.name):
        if isinstance(layer, ModuleLayer):
            parent, _, own = layer.name.rpartition(".")
            parents.setdefault(parent, {})[own] = layer
    return parents


def outputs_of(layer: ModuleLayer, parts: tuple[Tensor, ...]) -> Iterator[Slice]:
    """Yield where a layer that writes units holds them: its weight, and its bias if it has one."""
    yield Slice(layer.parameter_name, 0 if isinstance(layer.module, nn.Linear) else 1, parts)
    if isinstance(layer.module.bias, nn.Parameter):
        yield Slice(f"{layer.name}.bias", 0, parts)


def inputs_of(layer: ModuleLayer, part: Tensor) -> Slice:
    """Return where a layer that reads units holds them."""
    return Slice(layer.parameter_name, 1 if isinstance(layer.module, nn.Linear) else 0, (part,))
