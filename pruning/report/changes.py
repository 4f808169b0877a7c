"""The parts of a report that say what was done to the model, from zeros and cut units to training."""

from pydantic import Field, computed_field

from pruning.recipe import UNIT_KINDS, ChannelKind, UnitName
from pruning.report.facts import Facts


class LayerFacts(Facts):
    """One pruned weight matrix."""

    name: str = Field(description="The layer's name in the model.")
    block: int = Field(description="The decoder block, counted from 0.")
    shape: tuple[int, ...] = Field(description="The shape of the weight matrix.")
    zeros: int = Field(description="Number of weights that the method has set to zero.")
    weights: int = Field(description="Number of weights.")
    relative_error: float | None = Field(
        None,
        description="How far its outputs are from those of its dense weights on the same inputs: the "
        "Frobenius norm of the difference over that of the dense outputs. Over all calibration windows where "
        "the recipe measures second moments (sparsegpt, admm, any refit, swaps), over 256 tokens of the "
        "first one where it measures input norms only (wanda, gblm, ria). Null for a method that measures no "
        "inputs, and for an expert that no token reached.",
    )

    swap_reduction: float | None = Field(
        None,
        description="By how much swaps have lowered the squared error of a row's outputs, relative to it: "
        "the median over rows. Null for a recipe without swaps.",
    )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sparsity(self) -> float:
        """The share of zeros."""
        return self.zeros / self.weights


class SparsityFacts(Facts):
    """The zeros by layer. Layers outside the decoder blocks are not pruned and not counted."""

    layers: tuple[LayerFacts, ...] = Field(
        description="Each pruned weight matrix, in the model's order; none for a recipe that masks nothing."
    )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def overall(self) -> float:
        """The share of zeros over all pruned layers; 0 where there are none."""
        weights = sum(layer.weights for layer in self.layers)
        return sum(layer.zeros for layer in self.layers) / weights if weights else 0.0


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

    block: int = Field(description="The decoder block, counted from 0.")
    kind: UnitName = Field(description="What the units are.")
    kept: str = Field(
        description="The numbers of the units that are left, counted from 0 in the dense block, as runs such "
        "as `0-5,7,9-12`. Channels of experts are counted expert by expert."
    )


class StructureFacts(Facts):
    """What was taken out of the model before anything was masked."""

    units: tuple[UnitFacts, ...] = Field(description="One entry per kind of unit.")
    blocks: tuple[BlockUnits, ...] = Field(description="One entry per block and kind of unit.")
    block_share: float = Field(description="The share of the blocks' parameters that was taken out.")
    dense_parameters: int = Field(description="Number of parameters of the dense model.")
    parameters: int = Field(description="Number of parameters of the smaller model.")
    dense_bytes: int = Field(description="Size of the dense model's weight files.")
    bytes: int = Field(description="Size of the smaller model's weight files.")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def left(self) -> str:
        """What is left, in words: `1,152 of 1,536 MLP channels in each block`."""
        units = [f"{unit.kept:,} of {unit.dense:,} {UNIT_KINDS[unit.kind].label}" for unit in self.units]
        having = " that has them" if self._in_some_blocks else ""
        return f"{', '.join(units)} in each block{having}"

    @property
    def _in_some_blocks(self) -> bool:
        """Whether blocks lack units of a kind that others have, as first blocks without experts do."""
        having = {(of_block.block, of_block.kind) for of_block in self.blocks}
        count = max((block + 1 for block, _ in having), default=0)
        return any((block, unit.kind) not in having for unit in self.units for block in range(count))


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


class JudgementFacts(Facts):
    """The state of a training after one of its steps."""

    step: int = Field(description="The optimiser step; 0 is before the training.")
    tokens: int = Field(description="Tokens trained on so far.")
    training_loss: float | None = Field(
        description="Mean loss of the steps since the last judgement, in nats; null before the first step."
    )
    held_out_loss: float = Field(
        description="Loss on the held-out windows, in nats, with weights rounded to the checkpoint's dtype."
    )


class TrainingFacts(Facts):
    """A training of the whole pruned model."""

    datasets: tuple[str, ...] = Field(description="The texts that were trained on.")
    windows: int = Field(description="Number of windows that were trained on.")
    sequence_length: int = Field(description="Number of tokens per window.")
    tokens: int = Field(description="Number of tokens that were trained on.")
    fingerprint: str = Field(description="SHA-256 over the token ids that were trained on.")
    held_out_windows: int = Field(description="Number of windows of text that was never trained on.")
    held_out_articles: int = Field(
        description="Number of articles that these are from; 0 for the end of a text without articles."
    )
    held_out_fingerprint: str = Field(description="SHA-256 over the token ids of the held-out windows.")
    steps: int = Field(description="Number of optimiser steps.")
    learning_rate: float = Field(
        description="The highest learning rate. Each parameter has this one times the root mean square of "
        "its weights, zeros included, and divided by the share of them that a pruned layer keeps, or by 0.1 "
        "if that is less."
    )
    state: str = Field(
        description="How weights and Adam's running means were kept, as in the recipe's "
        "`recovery.distil.state`: `float32`, `8-bit` or `bfloat16`."
    )
    curve: tuple[JudgementFacts, ...] = Field(description="The judgements, in the order of the steps.")
    kept_step: int = Field(
        description="The step with the lowest held-out loss, whose weights were kept; 0 where no step "
        "improved the model, so that it was left as it was."
    )

    @property
    def before(self) -> float:
        """The held-out loss before the training."""
        return self.curve[0].held_out_loss

    @property
    def after(self) -> float:
        """The held-out loss of what was kept."""
        return next(point.held_out_loss for point in self.curve if point.step == self.kept_step)


class RecoveryFacts(Facts):
    """What was trained after pruning: the result is no longer one-shot."""

    distil: TrainingFacts = Field(description="The training towards the dense model's output.")

    @computed_field(description="Whether trained weights were kept.")  # type: ignore[prop-decorator]
    @property
    def is_trained(self) -> bool:
        """Whether the training improved the model, so that its weights are in the result."""
        return self.distil.kept_step > 0
