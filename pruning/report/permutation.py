"""The order of the channels."""

from pydantic import Field

from pruning.recipe import ChannelKind
from pruning.report.base import Facts


class ChannelOrderFacts(Facts):
    """The channels of one kind in one block that were put in another order."""

    block: int = Field(description="The decoder block, counted from 0.")
    kind: ChannelKind = Field(description="What the channels are.")
    order: str = Field(
        description="The numbers that the channels have in the dense block, in their new order, separated by "
        "commas: of the MLP's channels, or of the values' outputs, head after head."
    )
    kept_before: float = Field(
        description="The share of the scores of the layer that reads them which the pattern keeps in the "
        "dense model's order."
    )
    kept_after: float = Field(description="The same in the new order.")


class LeftInOrderFacts(Facts):
    """Channels that stay in the dense model's order."""

    kind: ChannelKind = Field(description="What the channels are.")
    blocks: str = Field(description="The decoder blocks, as runs such as `0-5,7,9-12`.")
    reason: str = Field(description="Why they were not moved.")


class PermutationFacts(Facts):
    """In which order the pruned model has its channels. In it, the dense model computes the same."""

    blocks: tuple[ChannelOrderFacts, ...] = Field(description="One entry per block and kind of channels.")
    left: tuple[LeftInOrderFacts, ...] = Field(description="What was not moved, by kind and reason.")
