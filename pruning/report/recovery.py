"""What was trained after pruning."""

from pydantic import Field, computed_field

from pruning.report.base import Facts


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
