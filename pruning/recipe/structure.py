"""The options of structured pruning, which removes whole units. The maths is in `pruning.structure`."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from pruning.recipe.fields import StrictModel
from pruning.recipe.units import UNIT_KINDS, UnitName

# Widths that kernels and formats support best: K-quants of GGUF need rows of 256, FP8 blocks and GPTQ groups
# have 128, tensor cores work on 64.
_ROUND_WIDTHS = (256, 128, 64)
_MAX_WIDTH_CHANGE = 0.02


def _validate_amount(value: float) -> float:
    if value >= 1 and value != int(value):
        raise ValueError("must be a share below 1, or a whole number of units")
    return value


def _refuse_ambiguous_one(value: Any) -> Any:  # noqa: ANN401 - not yet validated
    if isinstance(value, float) and value == 1:
        raise ValueError("may mean all units or one of them: write 1 for one, or a share below 1")
    return value


def _serialise_amount(value: float) -> float:
    return 1 if value == 1 else value  # 1.0 is refused when it is read


# Below 1 a share of the units of each block; from 1 on a number of them.
Amount = Annotated[
    float,
    Field(gt=0, le=1_000_000),
    AfterValidator(_validate_amount),
    BeforeValidator(_refuse_ambiguous_one),
    PlainSerializer(_serialise_amount, return_type=Any),
    WithJsonSchema({"exclusiveMinimum": 0, "maximum": 1_000_000, "type": "number"}, mode="serialization"),
]


class StructureOptions(StrictModel):
    """Take whole units out of the model: the result is a smaller model of the same architecture."""

    # The amount of each of `UNIT_KINDS`.
    mlp_channels: Amount | None = Field(
        None,
        description="MLP channels to take out of each block, or of each of its routed experts: a share below "
        "1, or a number of them.",
    )
    experts: Amount | None = Field(
        None,
        description="Routed experts to take out of each block that has some: a share below 1, or a number of "
        "them. Those go whose weighted outputs are smallest over the tokens that are routed to them.",
    )
    kv_heads: Amount | None = Field(
        None,
        description="Key/value heads to take out of each block, with all query heads that use them: a share "
        "below 1, or a number of them.",
    )
    parameters: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="The share of the blocks' parameters to take out, in place of shares or numbers of "
        "units: as large a share of the KV heads as whole heads allow, and the rest as MLP channels, or as "
        "experts where MLPs are split into these.",
    )
    multiple_of: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="The MLP width that is left is rounded to a multiple of this. By default the largest of "
        "256, 128 and 64 that moves it by at most 2 % of the dense width; a number of channels is not "
        "rounded.",
    )

    @model_validator(mode="after")
    def _validate_targets(self) -> "StructureOptions":
        units = [kind for kind in UNIT_KINDS if self.amount(kind) is not None]
        if self.parameters is None and not units:
            raise ValueError(f"must say what to take out: {', '.join(UNIT_KINDS)} or parameters")
        if self.parameters is not None and units:
            raise ValueError(f"parameters divides itself among the units; leave {' and '.join(units)} out")
        widths = [kind for kind in UNIT_KINDS.values() if kind.is_width and kind.name in units]
        if self.multiple_of and self.parameters is None and not widths:
            raise ValueError("multiple_of rounds MLP widths, and none is cut; leave it out")
        for kind in widths:
            if self.multiple_of and (self.amount(kind.name) or 0) >= 1:
                raise ValueError(f"a number of {kind.label} is not rounded; leave multiple_of out")
        return self

    def amount(self, kind: UnitName) -> float | None:
        """Return how much of a kind of unit is cut: a share below 1 or a number; None for none."""
        amount: float | None = getattr(self, kind)
        return amount

    def left(self, kind: UnitName, dense: int) -> tuple[int, int]:
        """Return how many of a block's `dense` units of a kind are left, before and after rounding.

        Raises ValueError with the valid range where none or all would be left.
        """
        amount = self.amount(kind)
        assert amount is not None  # noqa: S101 - the caller asks for a kind that is cut
        requested = round(dense * (1 - amount)) if amount < 1 else dense - int(amount)
        kept = self.rounded(requested, dense) if UNIT_KINDS[kind].is_width and amount < 1 else requested
        if not 0 < kept < dense:
            raise ValueError(
                f"each block has {dense} {kind}, and {amount:g} of them leaves {kept}: give a share or "
                f"a number that leaves from 1 to {dense - 1}"
            )
        return requested, kept

    def rounded(self, width: int, dense: int) -> int:
        """Round an MLP width to `multiple_of`, or by default to the largest suitable multiple near it."""
        if self.multiple_of is not None:
            return _nearest(width, self.multiple_of)
        for multiple in _ROUND_WIDTHS:
            kept = _nearest(width, multiple)
            if 0 < kept < dense and abs(kept - width) <= _MAX_WIDTH_CHANGE * dense:
                return kept
        return width

    @property
    def ranks(self) -> bool:
        """Whether it removes units that gates and second-order scores rank; experts are not."""
        ranked = (kind.name for kind in UNIT_KINDS.values() if kind.is_ranked_by_gates)
        return self.parameters is not None or any(self.amount(kind) is not None for kind in ranked)

    def operations(self, outputs: int, inputs: int) -> float:
        """Floating-point operations to rank and repair one matrix: a factorisation, its inverse, updates."""
        return 4 / 3 * inputs**3 + 4.0 * outputs * inputs**2 if self.ranks else 0.0


def _nearest(width: int, multiple: int) -> int:
    return max(1, round(width / multiple)) * multiple
