"""Runs from a file: a recipe, or the report of an earlier run, which is then reproduced."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pruning.errors import InvalidInput
from pruning.recipe import Evaluation, Recipe
from pruning.report import CalibrationFacts, Environment, ModelFacts, PerplexityFacts, Report

if TYPE_CHECKING:  # it imports torch, and a file is read without
    from pruning.evaluation.perplexity import EvaluationSet


@dataclass(frozen=True)
class RecipeFile:
    """The run that a file describes."""

    recipe: Recipe
    evaluation: Evaluation
    report: Report | None  # of the run to reproduce

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a recipe or a report from a JSON file.

        Raises InvalidInput(field='recipe') for a file that is neither, and ValidationError for wrong fields.
        """
        try:
            text = file.read_text(encoding="utf-8")
            is_report = "recipe" in dict(json.loads(text))
        except (OSError, ValueError, TypeError) as error:
            raise InvalidInput(
                f"{file} is not a readable JSON object; give a recipe or a pruning_report.json",
                field="recipe",
            ) from error
        if not is_report:
            return cls(Recipe.model_validate_json(text), Evaluation(), report=None)
        report = Report.model_validate_json(text)
        return cls(_pinned(report), report.evaluation, report)


def _pinned(report: Report) -> Recipe:
    """Return the recipe with what was decided for it: the commit of a branch, and a training's state."""
    recipe = report.recipe
    if report.recovery is not None and recipe.recovery is not None and recipe.recovery.distil is not None:
        distil = recipe.recovery.distil.model_copy(update={"state": report.recovery.distil.state})
        recovery = recipe.recovery.model_copy(update={"distil": distil})
        recipe = recipe.model_copy(update={"recovery": recovery})
    if report.model.commit is None:
        return recipe
    model = recipe.model.model_copy(update={"revision": report.model.commit})
    return recipe.model_copy(update={"model": model})


def refuse_changes(before: Report, model: ModelFacts, calibration: CalibrationFacts | None) -> None:
    """Raise InvalidInput with the field if the model or the calibration windows have changed.

    Windows are compared where both runs have some: one without exports may have none.
    """
    if (model.commit, model.digest) != (before.model.commit, before.model.digest):
        raise InvalidInput(
            f"the model is {model.commit or model.digest}; the report was made from "
            f"{before.model.commit or before.model.digest}: restore the files, or run the recipe without the "
            "report",
            field="model.id",
        )
    if calibration and before.calibration and calibration.fingerprint != before.calibration.fingerprint:
        raise InvalidInput(
            f"the calibration windows have the fingerprint {calibration.fingerprint}; the report's had "
            f"{before.calibration.fingerprint}: restore the texts and the tokenizer, or run the recipe "
            "without the report",
            field="calibration",
        )


def refuse_other_measurement(
    baseline: Report, model: ModelFacts, texts: Mapping[str, "EvaluationSet"]
) -> None:
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


def _other_windows(before: PerplexityFacts, domain: str, text: "EvaluationSet") -> str | None:
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


def differences(before: Environment, now: Environment) -> tuple[str, ...]:
    """Warn of a different environment, in which the last bits may differ from the reproduced run's."""
    changed = [
        f"{name} {getattr(now, name)} and not {getattr(before, name)}"
        for name in Environment.model_fields
        if getattr(now, name) != getattr(before, name)
    ]
    if not changed:
        return ()
    return (f"the environment differs from that of the reproduced run: {', '.join(changed)}",)
