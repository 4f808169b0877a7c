"""The report that a run is compared with: both must have measured the same texts and dense model."""

from collections.abc import Mapping

from pruning.errors import InvalidInput
from pruning.evaluation.perplexity import EvaluationSet
from pruning.report import ModelFacts, PerplexityFacts, Report


def refuse_other_measurement(baseline: Report, model: ModelFacts, texts: Mapping[str, EvaluationSet]) -> None:
    """Raise InvalidInput if the baseline was measured on other windows, or is of another dense model.

    `texts`: by the name of the domain; "" is the text of no domain. Domains that the baseline lacks are not
    compared.
    """
    measured = {"": baseline.perplexity, **baseline.domains}
    reasons = [_other_windows(measured[name], name, text) for name, text in texts.items() if name in measured]
    if (baseline.model.commit, baseline.model.digest) != (model.commit, model.digest):
        reasons.append(
            f"its dense model is {baseline.model.id} ({baseline.model.commit or baseline.model.digest}), and "
            f"here {model.id} ({model.commit or model.digest})"
        )
    if reason := next(filter(None, reasons), None):
        raise InvalidInput(
            f"the baseline cannot be compared with: {reason}; name another, or none for the first job",
            field="gate.baseline",
        )


def _other_windows(before: PerplexityFacts, domain: str, text: EvaluationSet) -> str | None:
    if before.fingerprint == text.fingerprint:
        return None
    windows, length = text.windows.shape
    theirs, ours = (
        f"{count} windows of {tokens} tokens from {dataset}"
        for count, tokens, dataset in (
            (before.windows, before.sequence_length, before.dataset),
            (windows, length, text.dataset),
        )
    )
    of_domain = f"in the domain {domain}, " if domain else ""
    if theirs != ours:
        return f"{of_domain}it was measured on {theirs}, and this job is on {ours}"
    return f"{of_domain}the {ours} are other token ids here: the text or the tokenizer is another"
