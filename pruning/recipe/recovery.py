"""The options of refit, which solves for kept weights, and of recovery, which trains them.

The maths is in `pruning.methods.refit` and `pruning.recovery`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pruning.recipe.datasets import Dataset, is_token_file
from pruning.recipe.fields import StrictModel
from pruning.recipe.methods import RIDGE, Need


def _accept_bool(value: Any) -> Any:  # noqa: ANN401 - what a client sent, not yet validated
    if not isinstance(value, bool | Mapping | StrictModel | None):
        raise ValueError("must be true, false, or an object with options")
    return ({} if value else None) if isinstance(value, bool) else value


class RefitOptions(StrictModel):
    """Solve for the kept weights of each layer again, to reproduce the dense layer's outputs."""

    ridge: float = Field(0.0, ge=0, le=100, description=RIDGE)
    iterations: int = Field(20, ge=1, le=1_000, description="Steps of conjugate gradients.")
    toward: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The target outputs: at 0, those of the dense weights on the pruned model's inputs; at "
        "1, those of the dense model; in between, a weighted mean.",
    )

    @property
    def needs(self) -> frozenset[Need]:
        """The measurements on the calibration windows."""
        needs: frozenset[Need] = frozenset({"second_moments"})
        return needs | {"activation_error"} if self.toward else needs

    def operations(self, outputs: int, inputs: int) -> float:
        """Floating-point operations for one matrix: a product with the second moments per step."""
        return (self.iterations + 1) * 2.0 * outputs * inputs**2

    def numbers_held(self, outputs: int, inputs: int) -> float:
        """Numbers in float32 that are held for one matrix, its statistics and target not counted."""
        return 5.3 * outputs * inputs


# true or false alone, or the options.
Refit = Annotated[
    RefitOptions | None,
    BeforeValidator(_accept_bool, json_schema_input_type=bool | RefitOptions | None),
]


HELD_OUT_WINDOWS = 16
"""Number of held-out windows, of articles that are never trained on."""

StateKind = Literal["float32", "8-bit", "bfloat16"]
"""How a training keeps weights and Adam's running means, from the widest to the narrowest. With 'bfloat16',
weights are rounded to it where the model computes in it, and the means are in 8 bits."""

_MAX_TOKENS = 2**28


class DistilOptions(StrictModel):
    """Train the whole pruned model towards the dense model's output: its kept weights and norms, or all that
    is left of it where the recipe has a structure. What is masked stays zero.
    """

    dataset: Dataset | None = Field(
        None, description="The text to train on, with articles; the calibration's when left out."
    )
    tokens: int = Field(
        131_072,
        ge=2,
        le=_MAX_TOKENS,
        description="Tokens to train on, each once, in windows of the calibration's length.",
    )
    tokens_per_step: int = Field(
        512, ge=1, le=2**24, description="Tokens of one optimiser step; at least one window."
    )
    state: Literal["auto", "float32", "8-bit", "bfloat16"] = Field(
        "auto",
        description="How the weights that are trained and Adam's running means are kept: both in float32 (14 "
        "bytes a weight where the model computes in bfloat16); the means in 8 bits (6 bytes, and a step of "
        "the optimiser takes several times as long); or weights in bfloat16 as well, rounded "
        "stochastically (4 bytes). `auto`: the first of them that fits the device.",
    )

    @field_validator("dataset")
    @classmethod
    def _validate_dataset_has_articles(cls, dataset: str | None) -> str | None:
        if dataset is not None and is_token_file(dataset):
            raise ValueError("must be a text: token ids (.npy) do not say where an article ends")
        return dataset


# true or false alone, or the options. The schema names the options only, so that it is one for requests and
# answers.
Distil = Annotated[DistilOptions | None, BeforeValidator(_accept_bool)]


class RecoveryOptions(StrictModel):
    """Train what pruning has left. The result is called trained: it is no longer one-shot."""

    distil: Distil = Field(
        None, description="How the dense model is distilled into the whole pruned one; true: as by default."
    )

    @model_validator(mode="after")
    def _validate_not_empty(self) -> "RecoveryOptions":
        if self.distil is None:
            raise ValueError("trains nothing; give distil, or leave recovery out")
        return self
