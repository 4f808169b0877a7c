"""The specification of a job: the recipe, how to evaluate and judge the result, and what to keep.

Priority and labels of a request are defined here too. They are columns of the job, and not part of it.
"""

from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from jobs.spec.gate import Gate
from pruning.estimate import Estimate, Machine, ModelShape
from pruning.recipe import PRESETS, ErrorMessage, Evaluation, Recipe, StrictModel, Text, why_no_mask
from pruning.recipe.exports import Exports, has_mask

MIN_PRIORITY, MAX_PRIORITY = -100, 100

Priority = Annotated[int, Field(ge=MIN_PRIORITY, le=MAX_PRIORITY)]
"""Among its owner's queued jobs the one with the highest priority runs first."""

LabelName = Annotated[
    Text,
    Field(max_length=63, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$"),
    ErrorMessage(
        "must be at most 63 letters, digits and . _ / -, the first and the last a letter or a digit"
    ),
]
LabelValue = Annotated[Text, Field(max_length=255)]
Labels = Annotated[dict[LabelName, LabelValue], Field(max_length=16)]

# More than any machine has.
_MAX_BYTES = 16 * 2**40
_MAX_GPUS = 16
_Bytes = Annotated[int, Field(ge=0, le=_MAX_BYTES)]


class ResourceRequest(StrictModel):
    """What the job needs of its worker, in place of what the service estimates."""

    gpus: int | None = Field(
        None, ge=0, le=_MAX_GPUS, description="GPUs that share the job, at least; 0 lets it run on a CPU."
    )
    device_bytes: _Bytes | None = Field(None, description="Free memory of each GPU.")
    host_bytes: _Bytes | None = Field(None, description="Memory of the host.")
    scratch_bytes: _Bytes | None = Field(None, description="Room on the scratch disk.")


class JobOptions(StrictModel):
    """The options of a job that do not change its weights."""

    evaluation: Evaluation = Field(Evaluation(), description="How the quality of the model is measured.")
    save_masks: bool = Field(False, description="Also keep the masks, as an artifact of their own.")
    exports: Exports = Field(
        (),
        description="Files of the result in the formats that engines serve, each measured as that file; or "
        "its mask.",
    )
    gate: Gate | None = Field(None, description="What the result must reach for the job to be called passed.")

    stop_when_missed: bool = Field(
        False,
        description="End the evaluation as soon as the gate's perplexity is certain to be missed (not for a "
        "gate on an export, nor for an increase over a baseline), and keep nothing but the report of a model "
        "that misses its gate, as the measured values say.",
    )

    name: Annotated[Text, Field(max_length=100)] | None = Field(
        None, description="A display name. It need not be unique."
    )
    timeout_seconds: float | None = Field(
        None,
        ge=60,
        le=7 * 86_400,
        description="Seconds on workers, in all attempts, after which the job fails. No job runs longer than "
        "7 days.",
    )
    resources: ResourceRequest | None = Field(
        None, description="What the job needs of its worker, where the service's estimate is wrong."
    )

    @field_validator("evaluation", "save_masks", "exports", "gate", "stop_when_missed")
    @classmethod
    def _validate_pruned_model_option(cls, value: object, info: ValidationInfo) -> object:
        # A request has the fields of the recipe, too, and before these.
        if info.data.get("norms") and value != JobOptions.model_fields[str(info.field_name)].default:
            raise ValueError("is about a pruned model, and norms prunes nothing; leave it out")
        return value

    @field_validator("exports")
    @classmethod
    def _validate_mask_export(cls, exports: Exports, info: ValidationInfo) -> Exports:
        wanted = "method" in info.data and has_mask(exports)
        if wanted and (reason := why_no_mask(info.data)) is not None:
            raise ValueError(reason)
        return exports

    @field_validator("gate")
    @classmethod
    def _is_measured(cls, gate: Gate | None, info: ValidationInfo) -> Gate | None:
        evaluation, exports = info.data.get("evaluation"), info.data.get("exports")
        if gate is None or evaluation is None or exports is None:  # refused already
            return gate
        if unmeasured := [*gate.unmeasured(evaluation, exports)]:
            raise ValueError("; ".join(unmeasured))
        return gate


class JobSpec(JobOptions):
    """The specification of a job, as it is stored. The worker reads nothing else about what is wanted."""

    recipe: Recipe = Field(description="What to prune and how.")

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Each dataset that the job reads, after the field of the request that names it."""
        shares = tuple((share.field, share.dataset) for share in self.recipe.calibration.shares)
        return shares + self.recipe.training_texts + self.evaluation.texts

    @property
    def method_name(self) -> str:
        """The preset whose options the recipe has; for any other, the name of its method."""
        # The last first: `recovered` has all options of `best`.
        return next(filter(self._has_options_of, reversed(tuple(PRESETS))), self.recipe.method_name)

    def _has_options_of(self, preset: str) -> bool:
        decides, adjustable = PRESETS[preset].decides, PRESETS[preset].adjustable
        stored = self.recipe.model_dump(mode="json")
        fields = {name: value for name, value in stored.items() if name not in decides} | {"method": preset}
        if self.recipe.distil is not None and "recovery.distil.tokens" in adjustable:
            fields["recovery"] = {"distil": {"tokens": self.recipe.distil.tokens}}
        try:
            return self.recipe == Recipe.model_validate(fields)
        except ValidationError:  # the preset does not go with the other fields
            return False

    def estimate(self, shape: ModelShape, machine: Machine) -> Estimate:
        """Estimate this job on a model of this shape, and on this machine."""
        return Estimate.of(
            self.recipe, self.evaluation, shape, machine, save_masks=self.save_masks, exports=self.exports
        )

    def as_request(self) -> dict[str, Any]:
        """Return the request that asks for this job, as JSON, with every default filled in."""
        options = self.model_dump(mode="json", include=set(JobOptions.model_fields))
        return self.recipe.model_dump(mode="json") | options
