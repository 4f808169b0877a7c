"""What a job was asked to do: the recipe, how to judge it, and what to keep."""

from pydantic import Field, ValidationInfo, field_validator

from jobs.spec.gate import Gate
from pruning.recipe import Evaluation, Recipe, StrictModel


class JobOptions(StrictModel):
    """What is wanted of a job besides its weights."""

    evaluation: Evaluation = Field(Evaluation(), description="How the quality of the model is measured.")
    save_masks: bool = Field(False, description="Also keep the masks, as an artifact of their own.")
    gate: Gate | None = Field(None, description="What the result must reach for the job to be called passed.")

    stop_when_missed: bool = Field(
        False,
        description="End the evaluation as soon as the gate's perplexity is certain to be missed, and keep "
        "nothing but the report of a model that misses its gate.",
    )

    @field_validator("gate")
    @classmethod
    def _is_measured(cls, gate: Gate | None, info: ValidationInfo) -> Gate | None:
        evaluation = info.data.get("evaluation")
        if gate is not None and evaluation is not None and any(gate.unmeasured(evaluation)):
            raise ValueError("min_zero_shot may only name tasks that are in evaluation.tasks")
        return gate


class JobSpec(JobOptions):
    """Stored with the job as JSON; the worker reads nothing else about what is wanted."""

    recipe: Recipe = Field(description="What to prune and how.")

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Each dataset after the field of the request that names it, of calibration and evaluation."""
        shares = tuple((share.field, share.dataset) for share in self.recipe.calibration.shares)
        return shares + self.evaluation.texts
