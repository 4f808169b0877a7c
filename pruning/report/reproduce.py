"""A run asked for by a file: a recipe, or the report of an earlier run, which is then done again exactly."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pruning.errors import InvalidInput
from pruning.recipe import Evaluation, Recipe
from pruning.report.schema import CalibrationFacts, Environment, ModelFacts, Report


@dataclass(frozen=True)
class Request:
    """What a file asks for."""

    recipe: Recipe
    evaluation: Evaluation
    report: Report | None  # of the run that is repeated

    @classmethod
    def read(cls, file: Path) -> Self:
        """The recipe in a JSON file, or what the report in it needs to be had again.

        Raises InvalidInput(field='recipe') for a file that is neither, pydantic's ValidationError for fields.
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
    """The recipe with the commit that its branch meant then."""
    if report.model.commit is None:
        return report.recipe
    model = report.recipe.model.model_copy(update={"revision": report.model.commit})
    return report.recipe.model_copy(update={"model": model})


def refuse_changes(before: Report, model: ModelFacts, calibration: CalibrationFacts | None) -> None:
    """Raise InvalidInput, naming the field, where the model or a calibration text is not what it was."""
    if (model.commit, model.digest) != (before.model.commit, before.model.digest):
        raise InvalidInput(
            f"the model is {model.commit or model.digest}; the report was made from "
            f"{before.model.commit or before.model.digest}: give the files as they were, or run the recipe "
            "by itself",
            field="model.id",
        )
    found = calibration.fingerprint if calibration else None
    expected = before.calibration.fingerprint if before.calibration else None
    if found != expected:
        raise InvalidInput(
            f"the calibration windows have the fingerprint {found}; the report's had {expected}: give the "
            "texts and the tokenizer as they were, or run the recipe by itself",
            field="calibration",
        )


def differences(before: Environment, now: Environment) -> tuple[str, ...]:
    """What a reader of a repeated run must know: where it computed otherwise, its last bits may differ."""
    changed = [
        f"{name} {getattr(now, name)} and not {getattr(before, name)}"
        for name in Environment.model_fields
        if getattr(now, name) != getattr(before, name)
    ]
    if not changed:
        return ()
    return (f"the run that is repeated was computed otherwise; here: {', '.join(changed)}",)
