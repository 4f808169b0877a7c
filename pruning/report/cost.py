"""What the run cost, and what the result costs to run."""

from typing import Literal

from pydantic import Field

from pruning.recipe import Stage
from pruning.report.base import Facts


class RateFacts(Facts):
    """Tokens per second of both models in one phase, at one batch size."""

    phase: Literal["prefill", "decode"] = Field(
        description="`prefill` reads a prompt; `decode` adds one token after the other to it."
    )
    batch: int = Field(description="Number of sequences at a time.")
    dense: float = Field(description="Tokens per second of the dense model, of all sequences together.")
    pruned: float = Field(description="Tokens per second of the pruned model.")
    speedup: float = Field(
        description="How many times as fast the pruned model is: the median over pairs of runs, in which the "
        "models take turns. `dense` and `pruned` are of that pair."
    )
    noise: float = Field(
        description="How far the same figure of other pairs is from the median, at most; of five pairs or "
        "more without the two extreme ones. Where it exceeds the gain, the speed-up is not measurable."
    )

    @property
    def is_measurable(self) -> bool:
        """Whether the models differ by more than two pairs of runs do."""
        return self.noise <= abs(self.speedup - 1)


class SpeedFacts(Facts):
    """The size of the result, and its speed on this machine, compared with the dense model's."""

    dense_bytes: int = Field(description="Size of the dense model's weight files.")
    bytes: int = Field(description="Size of the pruned model's weight files.")
    speedup: float | None = Field(
        description="The lower of the speed-ups of prefill and decode of one sequence; null where its noise "
        "exceeds the gain. 1 for a mask that was not measured; null for a smaller model that was not."
    )
    rates: tuple[RateFacts, ...] = Field((), description="What was measured; none where nothing was.")
    prompt: int | None = Field(None, description="Tokens of each prompt; null where nothing was measured.")
    generated: int | None = Field(None, description="Tokens added to each prompt in `decode`.")
    pairs: int | None = Field(None, description="Number of pairs of runs behind each median.")
    dense_peak_memory_bytes: int | None = Field(
        None,
        description="Memory of the dense model at the largest batch: its weights in the dtype of the "
        "computation, and the peak of what a prefill and a decode add to them.",
    )
    peak_memory_bytes: int | None = Field(None, description="The same of the pruned model.")
    note: str | None = Field(None, description="Why the figures are what they are, or why there are none.")


class StageFacts(Facts):
    """What one stage cost."""

    name: Stage = Field(description="The stage.")
    seconds: float = Field(description="Wall-clock time.")
    peak_memory_bytes: int = Field(
        description="Resident memory of the process, or allocated memory of the CUDA device that computed "
        "(of several, the one with most)."
    )
