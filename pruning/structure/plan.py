"""The plan of a cut: how many units of each kind a model keeps, and the config of the smaller model.

Decided on the model without weights. The smaller config must build a model whose parameters have exactly the
shapes after the cut: a family that cannot lose such units is refused before anything is computed.
"""

import copy
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from math import floor, prod
from typing import Any, Self

import torch
from transformers import PreTrainedModel

from pruning.checkpoint.description import text_field
from pruning.checkpoint.text_decoder import auto_class, text_decoder
from pruning.errors import InvalidInput
from pruning.models.blocks import Stack, find_stack
from pruning.recipe import UNIT_KINDS, StructureOptions, UnitName
from pruning.structure.units import Units, find_units, refused

_IN_ORDER = tuple(UNIT_KINDS.values())[::-1]
"""The kinds in the order in which a block loses their units: attention first, as it computes."""


@dataclass(frozen=True)
class UnitPlan:
    """How many units of one kind each block has, and keeps."""

    kind: UnitName
    dense: int
    requested: int  # how many the recipe keeps, before rounding
    kept: int


@dataclass(frozen=True)
class CutPlan:
    """What one model keeps under a recipe with `structure`."""

    plans: tuple[UnitPlan, ...]  # attention first, as a block computes
    units: tuple[tuple[Units | None, ...], ...]  # of each plan, in each block; None for one without experts
    config: Mapping[str, Any]  # the smaller model's config.json

    def of_block(self, index: int) -> tuple[tuple[UnitPlan, Units], ...]:
        """Return the kinds of units of a block, in the order in which they are cut."""
        of_block = ((plan, units[index]) for plan, units in zip(self.plans, self.units, strict=True))
        return tuple((plan, units) for plan, units in of_block if units is not None)

    def on(self, stack: Stack) -> Self:
        """Return the same plan for the units of another instance of the dense model."""
        return replace(self, units=tuple(find_units(stack, plan.kind) for plan in self.plans))

    def smaller_skeleton(self, dense: PreTrainedModel) -> PreTrainedModel:
        """Return the smaller model without weights. `dense`: the model that is cut, of the same class."""
        return _skeleton_of(self.config, dense)

    @classmethod
    def of(cls, options: StructureOptions, skeleton: PreTrainedModel, config: Mapping[str, Any]) -> Self:
        """Plan the cut of a model, which may be without weights.

        Parameters
        ----------
        options
            The recipe's structure.
        skeleton
            The dense model.
        config
            Its config.json.

        Raises
        ------
        InvalidInput
            With field 'structure.<kind>' or 'structure.parameters', for a model that cannot lose these units,
            or not as many; it then names the nearest number that the model's config allows. With field
            'structure.multiple_of', for a share without a width to round.
        """
        planner = _Planner(options, skeleton, config)
        plans = tuple(plan for plan in planner.plans() if plan.kept < plan.dense)
        units = tuple(planner.units[plan.kind] for plan in plans)
        return cls(plans, units, planner.smaller_config({plan.kind: plan.kept for plan in plans}))


class _Planner:
    def __init__(
        self, options: StructureOptions, skeleton: PreTrainedModel, config: Mapping[str, Any]
    ) -> None:
        self._options, self._skeleton, self._config = options, skeleton, config
        self._text_config = skeleton.config.get_text_config()
        self._stack = find_stack(skeleton)
        self.units: dict[UnitName, tuple[Units | None, ...]] = {}
        if options.parameters is not None:
            self.units = self._found("whole") | self._rest()
        for kind in UNIT_KINDS:
            if options.amount(kind) is not None:
                self.units[kind] = find_units(self._stack, kind)

    def _found(self, part_of_share: str) -> dict[UnitName, tuple[Units | None, ...]]:
        """Return the units that the model has of the kinds with this part of a share."""
        found = {}
        for kind in _IN_ORDER:
            if kind.part_of_share == part_of_share:
                with suppress(InvalidInput):  # a model without them takes all of the share from the rest
                    found[kind.name] = find_units(self._stack, kind.name)
        return found

    def _rest(self) -> dict[UnitName, tuple[Units | None, ...]]:
        """Return the units that take the rest of a share. Raises InvalidInput if there are none."""
        *others, last = (kind.name for kind in _IN_ORDER if kind.part_of_share == "rest")
        for name in others:
            with suppress(InvalidInput):
                return {name: find_units(self._stack, name)}
        return {last: find_units(self._stack, last)}

    def plans(self) -> list[UnitPlan]:
        if self._options.parameters is not None:
            plans = self._plans_for_share(self._options.parameters)
            self._refuse_empty_cut(plans, self._options.parameters)
        else:
            plans = [self._plan_for_amount(kind.name) for kind in _IN_ORDER if kind.name in self.units]
        for plan in plans:
            self._refuse_unbuildable(plan)
        return plans

    def _plan_for_amount(self, kind: UnitName) -> UnitPlan:
        """Return the plan for a share or a number of units of one kind."""
        dense, amount = self._one(kind).in_config, self._options.amount(kind)
        try:
            requested, kept = self._options.left(kind, dense)
        except ValueError as error:
            raise InvalidInput(str(error), field=f"structure.{kind}") from error
        rounds = amount is not None and amount < 1
        if rounds and UNIT_KINDS[kind].is_width:
            # It is rounded already, but to one that experts may not have; what multiple_of says is obeyed.
            rounds = self._options.multiple_of is None and self._one(kind).reason_against(kept) is not None
        if rounds:
            kept = self._nearest_possible(kind, requested, most=dense - 1)
        return UnitPlan(kind, dense, requested, kept)

    def _plans_for_share(self, share: float) -> list[UnitPlan]:
        """Divide a share of the blocks' parameters: as whole units, the rest as another kind."""
        total = self._stack.parameters
        *whole, rest = (UNIT_KINDS[kind] for kind in self.units)
        kind = rest.name
        width, of_one, fewest = self._one(kind).in_config, self._parameters_of_one(kind), self._fewest(kind)
        plans, in_whole = [], 0.0
        for other in (one.name for one in whole):
            dense = self._one(other).count
            possible = range(floor(share * dense), 0, -1)
            removed = next((removed for removed in possible if self._allows(other, dense - removed)), 0)
            plans.append(UnitPlan(other, dense, dense - removed, dense - removed))
            in_whole += removed * self._parameters_of_one(other)
        left = round(width - (share * total - in_whole) / of_one)
        if left < fewest:
            most = floor(100 * (in_whole + (width - fewest) * of_one) / total) / 100
            others = " and ".join(one.label for one in _IN_ORDER if one.part_of_share == "whole")
            raise InvalidInput(
                f"{share:g} of the parameters is more than the {rest.label} and such a share of "
                f"the {others} have; give a share of at most {most:.2f}",
                field="structure.parameters",
            )
        if rest.is_width:
            kept = min(width, self._options.rounded(left, width))
        elif self._options.multiple_of is not None:
            raise InvalidInput(
                f"multiple_of rounds MLP widths, and this model loses {rest.label}; leave it out",
                field="structure.multiple_of",
            )
        else:
            kept = self._nearest_possible(kind, left, most=width)
        return [*plans, UnitPlan(kind, width, left, kept)]

    def _fewest(self, kind: UnitName) -> int:
        """Return how many units of a kind must be left."""
        units = self._one(kind)
        possible = (number for number in range(1, units.count) if units.reason_against(number) is None)
        return next(possible, units.count)

    def _nearest_possible(self, kind: UnitName, left: int, *, most: int) -> int:
        """Round a number of units to the nearest with which a block works, of up to `most`."""
        units = self._one(kind)
        possible = [number for number in range(1, most + 1) if units.reason_against(number) is None]
        return min(possible, key=lambda number: abs(number - left), default=left)

    def _refuse_empty_cut(self, plans: Sequence[UnitPlan], share: float) -> None:
        """Raise InvalidInput for a share that takes no unit out."""
        if any(plan.kept < plan.dense for plan in plans):
            return
        *_, rest = plans
        multiple = self._options.multiple_of if UNIT_KINDS[rest.kind].is_width else None
        smaller = " or a smaller multiple_of" if multiple else ""
        rounded = f", and the multiple of {multiple} next to it is all of them" if multiple else ""
        raise InvalidInput(
            f"{share:g} of the parameters takes nothing out: {rest.requested} of {rest.dense} "
            f"{UNIT_KINDS[rest.kind].label} would be left{rounded}; give a larger share{smaller}",
            field="structure.parameters",
        )

    def _one(self, kind: UnitName) -> Units:
        """Return the units of the first block that has some: others have as many."""
        return next(units for units in self.units[kind] if units is not None)

    def _parameters_of_one(self, kind: UnitName) -> float:
        """Return the parameters of one unit in every block."""
        total, tensors = 0.0, self._skeleton.state_dict()
        for place in (place for units in self.units[kind] if units for place in units.slices):
            shape = place.of(tensors[place.parameter]).shape
            lines = sum(part.shape[1] for part in place.parts)
            total += prod(shape) / shape[place.dimension] * lines
        return total

    def _refuse_unbuildable(self, plan: UnitPlan) -> None:
        if plan.kept == plan.dense:
            return
        reason = self._reason_against(plan.kind, plan.kept)
        if reason is None:
            return
        others = sorted(set(range(1, plan.dense)) - {plan.kept}, key=lambda kept: abs(kept - plan.kept))
        possible = (kept for kept in others if self._one(plan.kind).reason_against(kept) is None)
        # A width is free, but for the alignment of experts; where one is in no config, none is.
        tried = islice(possible, 1) if UNIT_KINDS[plan.kind].is_width else possible
        nearest = next((kept for kept in tried if self._allows(plan.kind, kept)), None)
        hint = "" if nearest is None else f"; the nearest number that it can keep is {nearest}"
        raise refused(
            self._skeleton, plan.kind, f"of {plan.dense}, {plan.kept} would be left, and {reason}{hint}"
        )

    def _allows(self, kind: UnitName, kept: int) -> bool:
        return self._reason_against(kind, kept) is None

    def _reason_against(self, kind: UnitName, kept: int) -> str | None:
        """Return why the smaller model cannot be built with this many units left; None if it can."""
        units = self._one(kind)
        if reason := units.reason_against(kept):
            return reason
        values = self.smaller_config({kind: kept})
        if values == self._config:
            return "its config has no field for that"
        try:
            model = _skeleton_of(values, self._skeleton)
        except Exception as error:  # each config and model class refuses in its own way
            known = units.reason_unbuildable(values, self._text_config)
            return known or f"transformers refuses the smaller config ({type(error).__name__})"
        theirs = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
        for name, shape in self._shapes(kind, kept).items():
            if theirs.get(name) != shape:
                asked = theirs.get(name)
                return f"{name} would have the shape {shape}, where the smaller config asks for {asked}"
        return None

    def _shapes(self, kind: UnitName, kept: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all tensors of the model after the cut."""
        shapes = {name: list(tensor.shape) for name, tensor in self._skeleton.state_dict().items()}
        for units in filter(None, self.units[kind]):
            for place in units.slices:
                left = len(place.positions(torch.arange(kept)))
                shapes[place.parameter][place.dimension_of_parameter] = left
        return {name: tuple(shape) for name, shape in shapes.items()}

    def smaller_config(self, kept: Mapping[UnitName, int]) -> dict[str, Any]:
        """Return config.json with these numbers of units left."""
        values = dict(self._config)
        for kind in (kind for kind in UNIT_KINDS if kind in kept):
            values |= self._one(kind).config_after(kept[kind], self._text_config, self._config)
        return values


def _skeleton_of(config: Mapping[str, Any], dense: PreTrainedModel) -> PreTrainedModel:
    """Return the text decoder that `Checkpoint.config_values` describe, on the meta device.

    `dense`: the model that is cut, of the same class. Raises whatever its config or model class does.
    """
    built = type(dense.config.get_text_config()).from_dict(copy.deepcopy(dict(config)))
    if (field := text_field(dense.config)) is not None:
        whole = copy.deepcopy(dense.config)
        setattr(whole, field, built)
        built = whole
    built._attn_implementation = None  # a config may name a kernel on the Hub
    with torch.device("meta"):
        model = auto_class(built).from_config(built, trust_remote_code=False)
    assert isinstance(model, PreTrainedModel)  # noqa: S101 - what from_config promises
    return text_decoder(model)
