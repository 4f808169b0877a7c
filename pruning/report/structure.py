"""What was taken out of the model before anything was masked."""

from pydantic import Field, computed_field

from pruning.recipe import UNIT_KINDS, UnitName
from pruning.report.base import Facts


class UnitFacts(Facts):
    """The units of one kind in each block, before and after."""

    kind: UnitName = Field(description="What the units are.")
    dense: int = Field(
        description="Number of units in each block of the dense model; of channels in each of its experts."
    )
    requested: int = Field(description="Number that the recipe leaves, before it is rounded.")
    kept: int = Field(description="Number that is left in each block, or each expert.")


class BlockUnits(Facts):
    """The units of one kind that are left in one block."""

    block: int = Field(description="The decoder block, counted from 0 among those that are left.")
    kind: UnitName = Field(description="What the units are.")
    kept: str = Field(
        description="The numbers of the units that are left, counted from 0 in the dense block, as runs such "
        "as `0-5,7,9-12`. Channels of experts are counted expert by expert."
    )


class DroppedBlock(Facts):
    """A block that was taken out."""

    block: int = Field(description="The decoder block, counted from 0 in the dense model.")
    kl: float = Field(
        description="KL divergence from the dense model without this block and those before it in the list, "
        "in nats per token of the windows that it was chosen by."
    )


class DepthFacts(Facts):
    """The blocks before and after."""

    dense: int = Field(description="Number of blocks of the dense model.")
    kept: str = Field(
        description="The numbers of the blocks that are left, counted from 0 in the dense model, as runs "
        "such as `0-5,7,9-12`."
    )
    dropped: tuple[DroppedBlock, ...] = Field(
        description="The blocks that were taken out, in the order in which they went."
    )


class StructureFacts(Facts):
    """What was taken out of the model before anything was masked."""

    depth: DepthFacts | None = Field(
        None, description="Which blocks are left; null where all are. Blocks go before other units."
    )
    units: tuple[UnitFacts, ...] = Field(description="One entry per kind of unit.")
    blocks: tuple[BlockUnits, ...] = Field(description="One entry per block and kind of unit.")
    block_share: float | None = Field(
        None,
        description="The share of the blocks' parameters that was taken out; null in earlier reports.",
    )
    dense_parameters: int = Field(description="Number of parameters of the dense model.")
    parameters: int = Field(description="Number of parameters of the smaller model.")
    dense_bytes: int = Field(description="Size of the dense model's weight files.")
    bytes: int = Field(description="Size of the smaller model's weight files.")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def left(self) -> str:
        """What is left, in words: `20 of 30 blocks; 1,152 of 1,536 MLP channels in each`."""
        parts = []
        if self.depth is not None:
            parts.append(f"{self.depth.dense - len(self.depth.dropped)} of {self.depth.dense} blocks")
        units = [f"{unit.kept:,} of {unit.dense:,} {UNIT_KINDS[unit.kind].label}" for unit in self.units]
        if units:
            having = " that has them" if self._in_some_blocks else ""
            parts.append(f"{', '.join(units)} in each{'' if self.depth else ' block'}{having}")
        return "; ".join(parts)

    @property
    def _in_some_blocks(self) -> bool:
        """Whether blocks lack units of a kind that others have, as first blocks without experts do."""
        having = {(of_block.block, of_block.kind) for of_block in self.blocks}
        count = max((block + 1 for block, _ in having), default=0)
        return any((block, unit.kind) not in having for unit in self.units for block in range(count))
