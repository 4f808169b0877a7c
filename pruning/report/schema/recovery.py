"""What was trained after pruning."""

from pydantic import Field, computed_field

from pruning.report.schema.base import Facts


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


class TrainedBlockFacts(Facts):
    """The training of one block towards the dense block's output."""

    block: int = Field(description="The decoder block, counted from 0.")
    before: float = Field(
        description="The squared error of the block's output relative to its target's size, before the "
        "training: the mean over the tokens of the held-out windows."
    )
    after: float = Field(description="The same, of what was kept.")
    epoch: int = Field(description="The epoch that was kept; 0 where the block stayed as it was.")

    @computed_field(description="Whether no epoch improved the block, so that it stayed as it was.")  # type: ignore[prop-decorator]
    @property
    def fell_back(self) -> bool:
        """Whether no epoch improved the block, so that it stayed as it was."""
        return self.epoch == 0


class HeldOutFacts(Facts):
    """The windows by which the training of blocks was judged, of text that it was never trained on."""

    windows: int = Field(description="Number of windows, of the calibration's length.")
    articles: int = Field(
        description="Number of articles that these are from; 0 for parts of a text without articles that no "
        "calibration window has."
    )
    fingerprint: str = Field(description="SHA-256 over their token ids.")


class TrainingFacts(Facts):
    """A training of the whole pruned model."""

    datasets: tuple[str, ...] = Field(description="The texts that were trained on.")
    windows: int = Field(description="Number of windows that were trained on, those of all epochs.")
    sequence_length: int = Field(description="Number of tokens per window.")
    tokens: int = Field(
        description="Number of tokens that were trained on, with those that fill up windows of conversations."
    )
    fingerprint: str = Field(description="SHA-256 over the token ids that were trained on.")
    held_out_windows: int = Field(description="Number of windows of text that was never trained on.")
    held_out_articles: int = Field(
        description="Number of articles, or conversations, that these are from; 0 for the end of a text "
        "without articles."
    )
    held_out_fingerprint: str = Field(description="SHA-256 over the token ids of the held-out windows.")
    steps: int = Field(description="Number of optimiser steps.")
    learning_rate: float = Field(
        description="The highest learning rate, of all parameters. Where it is relative, each has this one "
        "times the root mean square of its weights, zeros included, and divided by the share of them that a "
        "pruned layer keeps, or by 0.1 if that is less."
    )
    learning_rate_is_relative: bool = Field(
        default=False,
        description="Whether each parameter had a rate of its own, as it has where the recipe names none.",
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

    blocks: tuple[TrainedBlockFacts, ...] = Field(
        (), description="Each block in order, where blocks were trained."
    )
    blocks_held_out: HeldOutFacts | None = Field(
        None, description="What the blocks were judged by; null where none were trained."
    )
    distil: TrainingFacts | None = Field(
        None, description="The training towards the dense model's output; null where there was none."
    )

    @computed_field(description="Whether trained weights were kept.")  # type: ignore[prop-decorator]
    @property
    def is_trained(self) -> bool:
        """Whether any training improved the model, so that its weights are in the result."""
        of_blocks = any(block.epoch for block in self.blocks)
        return of_blocks or (self.distil is not None and self.distil.kept_step > 0)
