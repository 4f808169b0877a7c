"""The quality gate of a job: conditions on the result, and the verdict with its margins."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator

from pruning.recipe import Evaluation, StrictModel
from pruning.recipe.evaluation import TaskName

_METRIC = "acc"


class Gate(StrictModel):
    """Conditions on the measured quality. They are not part of the recipe, since they change no weight."""

    max_perplexity: float | None = Field(
        None, gt=0, le=1e9, description="The pruned model's perplexity on evaluation.dataset, at most."
    )
    max_perplexity_increase: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="How far the perplexity may lie over the dense model's, relative to it: 0.05 is 5 %.",
    )
    max_kl: float | None = Field(
        None,
        ge=0,
        le=1e3,
        description="How far the predictions may lie from the dense model's: the mean of KL(dense ‖ pruned) "
        "over the predicted tokens of evaluation.dataset, in nats.",
    )
    min_zero_shot: dict[TaskName, Annotated[float, Field(ge=0, le=1)]] = Field(
        {},
        max_length=32,
        description="The pruned model's score, at least, in tasks of evaluation.tasks: its accuracy "
        "(`acc`), or the first metric of a task without one.",
    )

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        limits = (self.max_perplexity, self.max_perplexity_increase, self.max_kl)
        if all(limit is None for limit in limits) and not self.min_zero_shot:
            raise ValueError("needs max_perplexity, max_perplexity_increase, max_kl or min_zero_shot")
        return self

    def unmeasured(self, evaluation: Evaluation) -> Iterator[str]:
        """Yield the tasks of the gate that the evaluation does not run."""
        return (task for task in self.min_zero_shot if task not in evaluation.tasks)


class GateState(StrEnum):
    """Whether every condition holds."""

    PASSED = "passed"
    FAILED = "failed"


class Condition(BaseModel):
    """One condition of a gate, and the measured value."""

    name: str = Field(
        description="The gate's field, with the task's name for `min_zero_shot`.",
        examples=["max_perplexity_increase", "min_zero_shot.piqa"],
    )
    limit: float = Field(description="The limit that the gate sets.")
    measured: float | None = Field(description="Null where it is not finite, or was not measured.")
    passed: bool = Field(description="Whether the measured value keeps the limit.")
    margin: float | None = Field(
        description="How far the measured value lies on the good side of the limit; negative on the other."
    )


class Verdict(BaseModel):
    """The verdict of a gate. The worker stores it together with the report."""

    state: GateState = Field(description="`passed` if every condition holds.")
    conditions: list[Condition] = Field(description="Each condition of the gate.")


def judge(gate: Gate, report: dict[str, Any]) -> Verdict:
    """Return the verdict on a report. A condition whose value was not measured, or is not finite, fails."""
    dense, pruned = (report["perplexity"][model] for model in ("dense", "pruned"))
    conditions = []
    if gate.max_perplexity is not None:
        conditions.append(_at_most("max_perplexity", gate.max_perplexity, pruned))
    if gate.max_perplexity_increase is not None:
        increase = None if dense is None or pruned is None else pruned / dense - 1
        conditions.append(_at_most("max_perplexity_increase", gate.max_perplexity_increase, increase))
    if gate.max_kl is not None:
        conditions.append(_at_most("max_kl", gate.max_kl, report["perplexity"].get("kl")))
    for task, limit in gate.min_zero_shot.items():
        conditions.append(_at_least(f"min_zero_shot.{task}", limit, _score(report, task)))
    passed = all(condition.passed for condition in conditions)
    return Verdict(state=GateState.PASSED if passed else GateState.FAILED, conditions=conditions)


def _at_most(name: str, limit: float, measured: float | None) -> Condition:
    return _condition(name, limit, measured, None if measured is None else limit - measured)


def _at_least(name: str, limit: float, measured: float | None) -> Condition:
    return _condition(name, limit, measured, None if measured is None else measured - limit)


def _condition(name: str, limit: float, measured: float | None, margin: float | None) -> Condition:
    passed = margin is not None and margin >= 0
    return Condition(name=name, limit=limit, measured=measured, passed=passed, margin=margin)


def _score(report: dict[str, Any], task: str) -> float | None:
    zero_shot = report.get("zero_shot") or {"scores": []}
    by_metric = {score["metric"]: score["pruned"] for score in zero_shot["scores"] if score["task"] == task}
    return by_metric.get(_METRIC, next(iter(by_metric.values()), None))
