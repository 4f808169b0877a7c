"""What helpers of exports answer, validated field by field.

A helper reads files that strangers brought, and these may have taken it over.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pruning.sandbox.confine import LAYERS

MAX_ERROR_CHARACTERS = 2000
MAX_STEP_BYTES, MAX_RESULT_BYTES = 2**16, 2**24
MAX_MEASURED_WINDOWS = 2**16
"""Windows times files that are measured together: each takes about 100 of `MAX_RESULT_BYTES`."""
_MAX_TYPES = 64

Layer = Literal[LAYERS]  # type: ignore[valid-type] # the names that are listed there
TensorName = Annotated[str, Field(max_length=512, pattern=r"^[A-Za-z0-9_.-]+$")]
Word = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
Tokens = Annotated[int, Field(gt=0, lt=2**31)]
Rate = Annotated[float, Field(ge=1e-6, le=1e9, allow_inf_nan=False)]
TypeName = Annotated[str, Field(max_length=16, pattern=r"^[A-Za-z0-9_]+$")]


def _of_few_types(types: dict[str, str]) -> dict[str, str]:
    if len(set(types.values())) > _MAX_TYPES:
        raise ValueError(f"more than {_MAX_TYPES} types")
    return types


TypesByTensor = Annotated[
    dict[TensorName, TypeName], Field(max_length=100_000), AfterValidator(_of_few_types)
]


class Answer(BaseModel):
    """One frame. Unknown fields and other types are refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)


class Confined(Answer):
    """The helper has given its privileges up, and has read no file yet."""

    missing: dict[Layer, Annotated[str, Field(max_length=200)]]


class Progress(Answer):
    """The share of the task that is done."""

    share: float = Field(ge=0, le=1)


class Failure(Answer):
    """The task has failed: by an error of the system, by its number, or for a reason."""

    errno: int | None = None
    message: str = Field("", max_length=MAX_ERROR_CHARACTERS)
    field: Literal["model.id", "exports"] = "model.id"


class ConversionAnswer(Answer):
    """A checkpoint was converted, or can be."""

    rules: Word | None
    dtype: Literal["F32", "F16", "BF16"]
    overflow: TensorName | None  # a tensor with a weight that F16 cannot hold
    context_length: Tokens


class QuantisationAnswer(Answer):
    """A file was quantised, without the importance of these modules, which name no tensor of it."""

    types: TypesByTensor
    missing: tuple[TensorName, ...] = Field(max_length=100_000)


class WindowMeans(Answer):
    """The means over the predictions of one window. Those of a broken model are not finite.

    `pruning.exports.gguf` refuses those, and what no model has.
    """

    loss: float
    kl: float
    agreement: float = Field(ge=0, le=1)


class Speed(Answer):
    """Tokens per second, a median, and the range of the runs as a share of it."""

    tokens_per_second: Rate
    spread: float = Field(ge=0, le=1e3, allow_inf_nan=False)


class Speeds(Answer):
    """Of one file."""

    prefill: Speed
    decode: Speed


class FileMeasurement(Answer):
    """What was measured of one file."""

    windows: tuple[WindowMeans, ...]
    types: TypesByTensor


class MeasurementAnswer(Answer):
    """Files were measured."""

    evaluator: str = Field(max_length=64, pattern=r"^[A-Za-z0-9_. -]+$")
    reference_losses: tuple[float, ...]  # of each window
    files: tuple[FileMeasurement, ...]
    speeds: tuple[Speeds, ...]  # of the reference, then of each file; or none
