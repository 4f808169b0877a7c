"""The parts of a report that describe a run: model, calibration set, environment, quality, speed and cost."""

import importlib.metadata
import math
import platform
from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, computed_field

from pruning.recipe import Stage
from pruning.version import pruneserve_version

_MOST_DIGITS = 6


class Facts(BaseModel):
    """An immutable part of the report. Unknown fields are ignored: a report may be of another version."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class Interval(Facts):
    """A 95 % confidence interval: where the figure is for such text in general, as far as windows tell."""

    low: float = Field(description="The lower end.")
    high: float = Field(description="The upper end.")

    @classmethod
    def of(cls, ends: Iterable[float]) -> Self:
        """Return the interval with these two ends."""
        low, high = map(float, ends)
        return cls(low=low, high=high)

    def margin(self, scale: float = 1.0) -> str:
        """Format half the width for ±: to one significant digit, and from 10 on to a whole number."""
        half = scale * (self.high - self.low) / 2
        digits = max(0, -math.floor(math.log10(half))) if half else 0
        return f"{half:,.{min(digits, _MOST_DIGITS)}f}"


class Intervals(Facts):
    """95 % confidence intervals of what was measured on one text, by a bootstrap of its windows."""

    perplexity: Interval = Field(description="Of the perplexity of the result.")
    increase: Interval = Field(
        description="Of the relative increase of the perplexity: the models are compared window by window."
    )
    kl: Interval | None = Field(description="Of the KL divergence; null where `kl` is.")
    agreement: Interval | None = Field(description="Of the agreement; null where `agreement` is.")


class ModelFacts(Facts):
    """The dense model."""

    id: str = Field(description="A Hub id or a path.")
    commit: str | None = Field(description="The Hub commit; null for a local directory.")
    digest: str | None = Field(description="Digest of a local directory's content; null for a Hub model.")
    architecture: str = Field(description="The architecture, as the config names it.")
    parameters: int = Field(description="Number of parameters of the whole model.")
    blocks: int = Field(description="Number of decoder blocks.")


class DatasetFacts(Facts):
    """The windows that came from one dataset."""

    dataset: str = Field(description="The dataset, as the recipe names it.")
    weight: float = Field(description="The weight that the recipe gives it, relative to the other datasets'.")
    windows: int = Field(description="Number of windows from this dataset.")
    fingerprint: str = Field(description="SHA-256 over the token ids.")
    notes: tuple[str, ...] = Field(
        description="How the windows were drawn, where they were not drawn in the usual way."
    )


class CalibrationFacts(Facts):
    """The token windows on which activations and gradients were measured."""

    sets: tuple[DatasetFacts, ...] = Field(description="The datasets, in the order of their windows.")
    windows: int = Field(description="Number of windows in all.")
    sequence_length: int = Field(description="Number of tokens per window.")
    tokens: int = Field(description="Number of tokens in all windows.")
    fingerprint: str = Field(description="SHA-256 over the token ids of all sets.")


class ExpertTokensFacts(Facts):
    """How many calibration tokens the router of one block gave to each expert."""

    block: int = Field(description="The decoder block, counted from 0; in the cut, among those left then.")
    tokens: tuple[tuple[int, ...], ...] = Field(
        description="For each dataset of `calibration.sets`, the tokens of each expert, in their order."
    )


class Environment(Facts):
    """The environment of the run. Equal recipes give equal results on the same kind of device."""

    python: str = Field(description="Version of Python.")
    torch: str = Field(description="Version of PyTorch.")
    transformers: str = Field(description="Version of transformers.")
    pruneserve: str = Field(description="Version of PruneServe.")
    device: str = Field(description="`cpu`, or the CUDA device with its name; several are separated by `, `.")
    dtype: str = Field(description="Dtype of the computation; sums are float32 at least.")
    threads: int = Field(description="Threads that computed on the CPU.")
    attention: str = Field(description="The attention implementation.")
    schedule: Literal["whole", "streamed"] | None = Field(
        None, description="Schedule of the gradients; null where none were computed."
    )
    micro_batch: int | None = Field(None, description="Windows that shared a pass for the gradients.")
    deterministic: bool | None = Field(
        None,
        description="Whether another computation of the gradients here gives the same bits; null where none "
        "were computed.",
    )

    @classmethod
    def here(
        cls,
        *,
        device: str,
        dtype: str,
        threads: int,
        attention: str,
        schedule: Literal["whole", "streamed"] | None = None,
        micro_batch: int | None = None,
        deterministic: bool | None = None,
    ) -> Self:
        """Return the environment of this process: the installed versions and the given settings."""
        return cls(
            python=platform.python_version(),
            torch=importlib.metadata.version("torch"),
            transformers=importlib.metadata.version("transformers"),
            pruneserve=pruneserve_version(),
            device=device,
            dtype=dtype,
            threads=threads,
            attention=attention,
            schedule=schedule,
            micro_batch=micro_batch,
            deterministic=deterministic,
        )


def count_windows(windows: int, length: int) -> str:
    """Return how much text that is: `16 windows of 512 tokens`."""
    return f"{windows:,} window{'' if windows == 1 else 's'} of {length} tokens"


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
    intervals: Intervals | None = Field(
        None,
        description="95 % confidence intervals; null for fewer than 8 windows, and where it ended early.",
    )
    window_losses: tuple[float, ...] = Field(
        (),
        description="Mean loss of each window under the pruned model, in nats; none where it ended early, "
        "for more than 10,000 windows, and in the public report of a zoo entry.",
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
    dense_stderr: float | None = Field(
        description="Standard error of the dense model's score; null where the harness gives none."
    )
    pruned_stderr: float | None = Field(
        description="Standard error of the pruned model's score; null where the harness gives none."
    )
    interval: Interval | None = Field(
        None,
        description="95 % confidence interval of the pruned model's score, by a bootstrap of the examples. "
        "Null for fewer than 30 examples or equal ones, and for a score that is not their mean.",
    )
    outcomes: str | None = Field(
        None,
        description="For each example 1 where the pruned model is right, and 0 where it is wrong; null for a "
        "score that is no share of right answers, for more than 10,000, and in the public report of a zoo "
        "entry.",
    )
    change_interval: Interval | None = Field(
        None,
        description="The same of the pruned model's score less the dense model's, example by example.",
    )


class ZeroShotFacts(Facts):
    """The scores by lm-evaluation-harness, without examples in the prompt."""

    harness: str = Field(description="Version of lm-evaluation-harness.")
    scores: tuple[TaskFacts, ...] = Field(description="One entry per task and metric.")


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
    prompt_tokens: int | None = Field(
        None, description="Tokens of each prompt; null where nothing was measured."
    )
    generated_tokens: int | None = Field(None, description="Tokens added to each prompt in `decode`.")
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
