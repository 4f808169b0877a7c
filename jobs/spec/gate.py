"""The quality gate of a job: the conditions that it sets, and its verdict with their margins."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, model_validator

from pruning.recipe import Evaluation, StrictModel, Text
from pruning.recipe.evaluation import DomainName, TaskName
from pruning.recipe.exports import Export
from pruning.report import Interval

_OF_TASKS = ("min_score", "max_score_drop")


def _validate_baseline(value: str | None) -> str | None:
    if value is not None and not all(value.partition("=")):
        try:
            return str(UUID(value))
        except ValueError:
            raise ValueError("must be the id of a job, or name=value, such as track=main") from None
    return value


Bytes = Annotated[int, Field(ge=1, le=10**16)]


class DomainLimits(StrictModel):
    """Conditions on what was measured on the text of one domain."""

    max_perplexity_increase: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="How far the perplexity may lie over the dense model's or the baseline's, relative to "
        "that.",
    )
    max_kl: float | None = Field(
        None, ge=0, le=1e3, description="How far the predictions may lie from the dense model's, in nats."
    )

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        if self.max_perplexity_increase is None and self.max_kl is None:
            raise ValueError("needs max_perplexity_increase or max_kl")
        return self


class Gate(StrictModel):
    """Conditions on the measured quality. They are not part of the recipe, since they change no weight."""

    export: Text | None = Field(
        None,
        description="The export that the conditions are on, by its name, such as `gguf:Q4_K_M`; dense is the "
        "dense model in 16 bits, by the same evaluator. The pruned model when left out.",
        examples=["gguf:Q4_K_M"],
    )
    baseline: Annotated[Text | None, AfterValidator(_validate_baseline)] = Field(
        None,
        description="What perplexity and scores are compared with in place of the dense model: one of "
        "your jobs by its id, or as `name=value` the job with this label that was the last to pass its "
        "gate. It must have pruned the same model and measured the same windows.",
        examples=["track=main"],
    )
    max_perplexity: float | None = Field(
        None, gt=0, le=1e9, description="The pruned model's perplexity on evaluation.dataset, at most."
    )
    max_perplexity_increase: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="How far the perplexity may lie over the dense model's or the baseline's, relative to "
        "that: 0.05 is 5 %.",
    )
    max_kl: float | None = Field(
        None,
        ge=0,
        le=1e3,
        description="How far the predictions may lie from the dense model's: the mean of KL(dense ‖ pruned) "
        "over the predicted tokens of evaluation.dataset, in nats.",
    )
    domains: dict[DomainName, DomainLimits] = Field(
        {},
        max_length=16,
        description="Conditions by domain; each must be in evaluation.domains.",
        examples=[{"code": {"max_kl": 0.1}}],
    )
    max_bytes: Bytes | None = Field(None, description="Size of the pruned model's weight files, at most.")
    max_parameters: int | None = Field(
        None, ge=1, le=10**15, description="Number of parameters of the pruned model, at most."
    )
    max_memory_bytes: Bytes | None = Field(
        None,
        description="The pruned model's peak memory at the largest batch that its speed is measured with, at "
        "most. It is measured where the speed is (`evaluation.speed`).",
    )
    min_speedup: float | None = Field(
        None,
        gt=0,
        le=1e3,
        description="How many times as fast as the dense model the pruned one is, at least: the lower of the "
        "speed-ups of prefill and decode of one sequence, as the worker measures them. 1 for a mask whose "
        "speed is not measured, and where the noise exceeds the gain.",
    )
    min_score: dict[TaskName, Annotated[float, Field(ge=0, le=1)]] = Field(
        {},
        max_length=32,
        description="The pruned model's score, at least, in tasks of evaluation.tasks: its accuracy "
        "(`acc`), or the first metric of a task without one.",
    )
    max_score_drop: dict[TaskName, Annotated[float, Field(ge=0, le=1)]] = Field(
        {},
        max_length=32,
        description="How far the score in a task of evaluation.tasks may lie below the dense model's, or the "
        "baseline's: 0.01 is a hundredth of a score of 1.",
    )

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        limits = [name for name in Gate.model_fields if name not in ("export", "baseline")]
        if all(getattr(self, name) in (None, {}) for name in limits):
            raise ValueError(f"needs {', '.join(limits[:-1])} or {limits[-1]}")
        compared = self.max_perplexity_increase is not None or self.compared_domains or self.max_score_drop
        if self.baseline is not None and not compared:
            raise ValueError(
                "baseline needs max_perplexity_increase or max_score_drop, which compare with it"
            )
        return self

    @property
    def compared_domains(self) -> list[str]:
        """The domains whose perplexity is compared with the baseline's, or the dense model's."""
        return [name for name, limits in self.domains.items() if limits.max_perplexity_increase is not None]

    def unmeasured(self, evaluation: Evaluation, exports: Sequence[Export]) -> Iterator[str]:
        """Say of each condition that is not measured what to change."""
        if self.export is not None:
            yield from self._unmeasured_of_export([export.name for export in exports])
            return
        for name in _OF_TASKS:
            if any(task not in evaluation.tasks for task in getattr(self, name)):
                yield f"{name} may only name tasks that are in evaluation.tasks"
        if unknown := [f"domains.{name}" for name in self.domains if name not in evaluation.domains]:
            known = ", ".join(evaluation.domains) or "no domains"
            yield f"{', '.join(unknown)} must be in evaluation.domains, which has {known}"
        for name in ("min_speedup", "max_memory_bytes"):
            if getattr(self, name) is not None and evaluation.speed == "off":
                yield f"{name} needs evaluation.speed, which is off"

    def _unmeasured_of_export(self, names: Sequence[str]) -> Iterator[str]:
        if self.export not in names:
            yield f"export must be one of the job's exports, which are {', '.join(names) or 'none'}"
        for name in ("max_parameters", "max_memory_bytes", "domains", *_OF_TASKS):
            if getattr(self, name) not in (None, {}):
                yield f"{name} is not measured of an export; leave out {name}, or export"
        if self.min_speedup is not None and not str(self.export).startswith("gguf:"):
            yield "min_speedup of an export is measured for GGUF files alone"


class GateState(StrEnum):
    """Whether the conditions hold, as far as the measurement can tell."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class Condition(BaseModel):
    """One condition of a gate, and the measured value."""

    name: str = Field(
        description="The gate's field, with the name of the domain or the task that it is on.",
        examples=["max_perplexity_increase", "max_kl.code", "min_score.piqa"],
    )
    limit: float = Field(description="The limit that the gate sets.")
    measured: float | None = Field(description="Null where it is not finite, or was not measured.")
    margin: float | None = Field(
        description="How far the measured value lies on the good side of the limit; negative on the other; "
        "null where `measured` is."
    )
    state: GateState = Field(
        description="`inconclusive` if the limit lies inside the interval; otherwise `passed` or `failed`, "
        "by the margin."
    )
    interval: Interval | None = Field(
        None,
        description="95 % confidence interval of the measured value. Without one the measured value decides.",
    )
    required_sample: int | None = Field(
        None,
        description="About how many windows, or examples of a task, would decide an inconclusive condition. "
        "Null for one that is decided, and where 100,000 would not decide.",
    )


class Verdict(BaseModel):
    """The verdict of a gate. The worker stores it together with the report."""

    state: GateState = Field(
        description="`passed` if every condition is, `failed` if one has, and `inconclusive` otherwise."
    )
    export: str | None = Field(
        None, description="The export that the conditions are on; null: the pruned model."
    )
    baseline: UUID | None = Field(
        None, description="The job that increases and drops are over; null: the dense model."
    )
    conditions: list[Condition] = Field(description="Each condition of the gate.")

    @property
    def is_met(self) -> bool:
        """Whether every measured value keeps its limit, whatever its interval."""
        return all(one.margin is not None and one.margin >= 0 for one in self.conditions)
