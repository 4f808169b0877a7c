"""What a job's gate spares its worker: measuring, and keeping, a model that nobody wants."""

from math import inf
from typing import Any

from jobs.spec.gate import GateState, judge
from jobs.spec.job import JobSpec
from pruning.stages.evaluate import NO_LIMIT, PerplexityLimit


def ceiling(spec: JobSpec) -> PerplexityLimit:
    """The perplexity beyond which the evaluation may end, if the job says that it may."""
    if not spec.stop_when_missed or spec.gate is None:
        return NO_LIMIT
    bounds = (spec.gate.max_perplexity, spec.gate.max_perplexity_increase)
    return PerplexityLimit(*(inf if bound is None else bound for bound in bounds))


def keeps_model(spec: JobSpec, report: dict[str, Any]) -> bool:
    """Whether the model is to be kept, and not its report alone."""
    missed = spec.gate is not None and judge(spec.gate, report).state == GateState.FAILED
    return not (spec.stop_when_missed and missed)
