"""What a cut leaves of a model: how many units of each kind, and the config of the smaller model.

Decided on the model without weights. The smaller config must build a model whose parameters have exactly the
shapes that the cut leaves: a family that cannot lose such units is refused before anything is computed.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import floor, prod
from typing import Any, Self

import torch
from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.models.blocks import Stack, find_stack
from pruning.recipe import UNIT_KINDS, UNIT_LABELS, StructureOptions, UnitKind
from pruning.structure.experts import Experts
from pruning.structure.skeleton import skeleton_of
from pruning.structure.slices import Units, refused
from pruning.structure.units import ExpertChannels, ReadUnits, find_units

_MLP_WIDTHS = ("intermediate_size", "ffn_dim", "n_inner")
_EXPERT_WIDTHS = ("moe_intermediate_size",)  # where dense MLPs have a width of their own
_EXPERT_COUNTS = ("num_local_experts", "num_experts", "n_routed_experts")


@dataclass(frozen=True)
class UnitPlan:
    """How many units of one kind each block has, and keeps."""

    kind: UnitKind
    dense: int
    requested: int  # how many the recipe leaves, before rounding
    kept: int


@dataclass(frozen=True)
class CutPlan:
    """What a recipe's structure leaves of one model."""

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
        return skeleton_of(self.config, dense)

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
            or not as many; it then names the nearest number that the model's config allows.
        """
        return cls._of(_Planner(options, skeleton, config))

    @classmethod
    def _of(cls, planner: "_Planner") -> Self:
        plans = tuple(plan for plan in planner.plans() if plan.kept < plan.dense)
        units = tuple(planner.units[plan.kind] for plan in plans)
        return cls(plans, units, planner.smaller_config({plan.kind: plan.kept for plan in plans}))


class _Planner:
    def __init__(
        self, options: StructureOptions, skeleton: PreTrainedModel, config: Mapping[str, Any]
    ) -> None:
        self._options, self._skeleton, self._config = options, skeleton, config
        self._stack = find_stack(skeleton)
        self.units: dict[UnitKind, tuple[Units | None, ...]] = {}
        if options.parameters is not None:
            with suppress(InvalidInput):  # then the rest bears all of it
                self.units["kv_groups"] = find_units(self._stack, "kv_groups")
            self.units |= self._rest()
        for kind in UNIT_KINDS:
            if options.amount(kind) is not None:
                self.units[kind] = find_units(self._stack, kind)

    def _rest(self) -> dict[UnitKind, tuple[Units | None, ...]]:
        """Return the units that take what KV groups leave of a share: experts, or else MLP channels."""
        with suppress(InvalidInput):
            return {"experts": find_units(self._stack, "experts")}
        return {"mlp_channels": find_units(self._stack, "mlp_channels")}

    def plans(self) -> list[UnitPlan]:
        if self._options.parameters is not None:
            plans = self._divided(self._options.parameters)
            self._refuse_nothing(plans, self._options.parameters)
        else:
            plans = [self._asked(kind) for kind in reversed(UNIT_KINDS) if kind in self.units]
        for plan in plans:
            self._refuse_unbuildable(plan)
        return plans

    def _asked(self, kind: UnitKind) -> UnitPlan:
        """Return the plan for a share or a number of units of one kind."""
        dense, amount = self._one(kind).in_config, self._options.amount(kind)
        try:
            requested, kept = self._options.left(kind, dense)
        except ValueError as error:
            raise InvalidInput(str(error), field=f"structure.{kind}") from error
        if kind == "experts" and amount is not None and amount < 1:
            kept = self._possible_experts(requested, most=dense - 1)
        return UnitPlan(kind, dense, requested, kept)

    def _divided(self, share: float) -> list[UnitPlan]:
        """Divide a share of the blocks' parameters: whole KV groups up to it, the rest other units."""
        total = self._stack.parameters
        kind: UnitKind = "experts" if "experts" in self.units else "mlp_channels"
        width, of_one, fewest = self._one(kind).in_config, self._parameters_of_one(kind), self._fewest(kind)
        plans, in_groups = [], 0.0
        if "kv_groups" in self.units:
            dense = self._one("kv_groups").count
            possible = range(floor(share * dense), 0, -1)
            gone = next((gone for gone in possible if self._allows("kv_groups", dense - gone)), 0)
            plans.append(UnitPlan("kv_groups", dense, dense - gone, dense - gone))
            in_groups = gone * self._parameters_of_one("kv_groups")
        left = round(width - (share * total - in_groups) / of_one)
        if left < fewest:
            most = floor(100 * (in_groups + (width - fewest) * of_one) / total) / 100
            raise InvalidInput(
                f"{share:g} of the parameters is more than the {UNIT_LABELS[kind]} and such a share of "
                f"the KV groups have; give a share of at most {most:.2f}",
                field="structure.parameters",
            )
        if kind == "experts":
            kept = self._possible_experts(left, most=width)
        else:
            kept = min(width, self._options.rounded(left, width))
        return [*plans, UnitPlan(kind, width, left, kept)]

    def _fewest(self, kind: UnitKind) -> int:
        """Return how many units of a kind must be left."""
        numbers = range(1, self._one(kind).count)
        possible = (number for number in numbers if kind != "experts" or self._routes(number))
        return next(possible, self._one(kind).count)

    def _possible_experts(self, left: int, *, most: int) -> int:
        """Round a number of experts to the nearest with which the router works, of up to `most`."""
        possible = [number for number in range(1, most + 1) if self._routes(number)]
        return min(possible, key=lambda number: abs(number - left), default=left)

    def _routes(self, kept: int) -> bool:
        return self._reason_against_experts(kept) is None

    def _refuse_nothing(self, plans: Sequence[UnitPlan], share: float) -> None:
        """Raise InvalidInput for a share that takes no unit out."""
        if any(plan.kept < plan.dense for plan in plans):
            return
        *_, rest = plans
        multiple = self._options.multiple_of if rest.kind == "mlp_channels" else None
        smaller = " or a smaller multiple_of" if multiple else ""
        rounded = f", and the multiple of {multiple} next to it is all of them" if multiple else ""
        raise InvalidInput(
            f"{share:g} of the parameters takes nothing out: {rest.requested} of {rest.dense} "
            f"{UNIT_LABELS[rest.kind]} would be left{rounded}; give a larger share{smaller}",
            field="structure.parameters",
        )

    def _one(self, kind: UnitKind) -> Units:
        """Return the units of the first block that has some: others have as many."""
        return next(units for units in self.units[kind] if units is not None)

    def _parameters_of_one(self, kind: UnitKind) -> float:
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
        # The width of an MLP is free, or it is in no config.
        possible = (kept for kept in others if plan.kind != "mlp_channels" and self._allows(plan.kind, kept))
        nearest = next(possible, None)
        hint = "" if nearest is None else f"; the nearest number that it can keep is {nearest}"
        raise refused(
            self._skeleton, plan.kind, f"of {plan.dense}, {plan.kept} would be left, and {reason}{hint}"
        )

    def _allows(self, kind: UnitKind, kept: int) -> bool:
        return self._reason_against(kind, kept) is None

    def _reason_against_experts(self, kept: int) -> str | None:
        experts = self._one("experts")
        assert isinstance(experts, Experts)  # noqa: S101 - of that kind
        return experts.reason_against(kept)

    def _reason_against(self, kind: UnitKind, kept: int) -> str | None:
        """Return why the smaller model cannot be built with this many units left; None if it can."""
        if kind == "experts" and (reason := self._reason_against_experts(kept)):
            return reason
        values = self.smaller_config({kind: kept})
        if values == self._config:
            return "its config has no field for that"
        try:
            model = skeleton_of(values, self._skeleton)
        except Exception as error:  # each config and model class refuses in its own way
            heads, hidden = values.get("num_attention_heads", 1), self._skeleton.config.hidden_size
            if kind == "kv_groups" and hidden % heads:
                return f"its config refuses {heads} heads for a hidden size of {hidden}"
            return f"transformers refuses the smaller config ({type(error).__name__})"
        theirs = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
        for name, shape in self._shapes(kind, kept).items():
            if theirs.get(name) != shape:
                asked = theirs.get(name)
                return f"{name} would have the shape {shape}, where the smaller config asks for {asked}"
        return None

    def _shapes(self, kind: UnitKind, kept: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all tensors of the model after the cut."""
        shapes = {name: list(tensor.shape) for name, tensor in self._skeleton.state_dict().items()}
        for units in filter(None, self.units[kind]):
            for place in units.slices:
                left = len(place.positions(torch.arange(kept)))
                shapes[place.parameter][place.dimension_of_parameter] = left
        return {name: tuple(shape) for name, shape in shapes.items()}

    def smaller_config(self, kept: Mapping[UnitKind, int]) -> dict[str, Any]:
        """Return config.json with these numbers of units left."""
        values, full = dict(self._config), self._skeleton.config
        if "mlp_channels" in kept:
            channels = self._one("mlp_channels")
            width, of_experts = channels.in_config, isinstance(channels, ExpertChannels)
            apart = of_experts and any(hasattr(full, name) for name in _EXPERT_WIDTHS)
            for name in _EXPERT_WIDTHS if apart else _MLP_WIDTHS:
                found = getattr(full, name, ...)
                if found == width or (found is None and name == "n_inner"):
                    values[name] = kept["mlp_channels"]
        if "kv_groups" in kept:
            units = self._one("kv_groups")
            assert isinstance(units, ReadUnits)  # noqa: S101 - of that kind
            heads = full.num_attention_heads
            together = heads // units.count
            own_name = full.attribute_map.get("num_attention_heads", "num_attention_heads")
            values[own_name] = kept["kv_groups"] * together
            if getattr(full, "num_key_value_heads", None) is not None:
                values["num_key_value_heads"] = kept["kv_groups"]
            values["head_dim"] = units.width // together
        if "experts" in kept:
            count = self._one("experts").count
            names = [name for name in _EXPERT_COUNTS if getattr(full, name, None) == count]
            own = {full.attribute_map.get(name, name) for name in names}
            for name in {name for name in names if name in values} or own:
                values[name] = kept["experts"]
        return values
