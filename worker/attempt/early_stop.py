"""Early stopping by the quality gate."""

from math import inf
from typing import Any

from jobs.spec.gate import GateState, judge
from jobs.spec.job import JobSpec
from pruning.stages.evaluate import NO_LIMIT, PerplexityLimit


def perplexity_limit(spec: JobSpec) -> PerplexityLimit:
    """Return the perplexity above which the evaluation stops early, if the job asks for that."""
    if not spec.stop_when_missed or spec.gate is None:
        return NO_LIMIT
    bounds = (spec.gate.max_perplexity, spec.gate.max_perplexity_increase)
    return PerplexityLimit(*(inf if bound is None else bound for bound in bounds))


def keeps_model(spec: JobSpec, report: dict[str, Any]) -> bool:
    """Whether to upload the model, and not its report alone."""
    missed = spec.gate is not None and judge(spec.gate, report).state == GateState.FAILED
    return not (spec.stop_when_missed and missed)
