"""The quality of the pruned model compared with the dense one."""

from pydantic import Field, computed_field

from pruning.report.base import Facts


class PerplexityFacts(Facts):
    """Perplexity before and after, measured by the same code on the same windows."""

    dense: float = Field(description="Perplexity of the dense model.")
    pruned: float = Field(description="Perplexity of the pruned model.")
    cut_short: bool = Field(
        False, description="The measurement ended early at the limit: the pruned perplexity is at least this."
    )
    kl: float | None = Field(
        None,
        description="How far the pruned model's predictions are from the dense model's: the mean over the "
        "predicted tokens of KL(dense ‖ pruned), in nats. Null where the measurement ended early, and for a "
        "model whose logits at a position depend on more than the last block's output there.",
    )
    agreement: float | None = Field(
        None,
        description="The share of the predicted tokens for which both models find the same one most "
        "probable. Null where `kl` is.",
    )
    definition: str = Field(description="How the perplexity is computed.")
    dataset: str = Field(description="The text, as the recipe names it.")
    windows: int = Field(description="Number of windows that were measured.")
    sequence_length: int = Field(description="Number of tokens per window.")
    fingerprint: str = Field(description="SHA-256 over the token ids.")

    @computed_field(description="Relative increase: 0.1 means 10 % above the dense perplexity.")  # type: ignore[prop-decorator]
    @property
    def increase(self) -> float:
        """The relative increase of the perplexity by pruning."""
        return self.pruned / self.dense - 1


class TaskFacts(Facts):
    """The scores of both models in one task by one metric."""

    task: str = Field(description="The name of the task.")
    version: str = Field(description="Version of the task's definition.")
    metric: str = Field(description="The metric, such as `acc`.")
    examples: int | None = Field(description="Number of examples; null for a group of tasks.")
    dense: float = Field(description="The score of the dense model.")
    pruned: float = Field(description="The score of the pruned model.")
    dense_error: float | None = Field(
        description="Standard error of the dense model's score; null where the harness gives none."
    )
    pruned_error: float | None = Field(
        description="Standard error of the pruned model's score; null where the harness gives none."
    )


class ZeroShotFacts(Facts):
    """The scores by lm-evaluation-harness, without examples in the prompt."""

    harness: str = Field(description="Version of lm-evaluation-harness.")
    scores: tuple[TaskFacts, ...] = Field(description="One entry per task and metric.")
