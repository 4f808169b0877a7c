"""The options of recovery, which trains kept weights after pruning. The maths is in `pruning.recovery`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from pruning.recipe.datasets import Dataset, content_name, is_stored, is_upload
from pruning.recipe.fields import OUT_AT_DEFAULT, StrictModel, is_local

HELD_OUT_WINDOWS = 16
"""The windows by which a training is judged, of articles that it is never trained on."""

MomentsKind = Literal["float32", "8-bit"]
"""How Adam's running means are kept. In a run in float64, 'float32' ones are float64 too."""

_RELATIVE_RATE = 5e-4
_LEAST_SIZE = 1e-3  # of a parameter, so that one of zeros can be trained (Adafactor's ε₂)
_LEAST_KEPT = 0.1  # a share that is smaller raises the rate no further
_MOST_TOKENS = 2**28


@dataclass(frozen=True)
class LearningRate:
    """The highest learning rate of a training."""

    value: float
    is_relative: bool
    """Whether each parameter has its own: the value times `factor`."""

    def factor(self, size: float, kept: float) -> float:
        """Return by what a relative rate is multiplied for one parameter.

        A step of Adam moves each weight by about the rate, whatever the weights are, so that it moves a
        layer's output, relative to what that is, by as much as there are inputs to it, and by as much as its
        weights are small. So the rate is relative to a parameter's `size`, the root mean square of its
        weights with its zeros (Adafactor, arXiv 1804.04235, section 8), and of fewer inputs, of which it
        `kept` a share, it takes larger steps (SμPar, arXiv 2405.15743).
        """
        return max(size, _LEAST_SIZE) / max(kept, _LEAST_KEPT)


class DistilOptions(StrictModel):
    """Train the whole pruned model towards the dense model's output: its kept weights and norms alone, or all
    that is left of it where the recipe has a structure. What is masked stays zero.
    """

    dataset: Dataset | None = Field(
        None, description="The text to train on, with articles; the calibration's when left out."
    )
    tokens: int = Field(
        131_072,
        ge=2,
        le=_MOST_TOKENS,
        description="Tokens to train on, each once, in windows of the calibration's length.",
    )
    tokens_per_step: int = Field(
        512, ge=1, le=2**24, description="Tokens of one optimiser step; at least one window."
    )
    learning_rate: float | None = Field(
        None,
        gt=0,
        le=0.1,
        description="The highest learning rate, of all parameters; when left out, each has its own: 5e-4 "
        "times the root mean square of its weights, and a pruned layer's divided by how much of its weights "
        "it keeps.",
    )
    moments: Annotated[MomentsKind, OUT_AT_DEFAULT] = Field(
        "float32",
        description="How Adam's running means are kept: in 8 bits a trained weight takes 6 bytes less, and a "
        "step of the optimiser several times as long.",
    )
    cross_entropy: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The share of the cross-entropy with the text itself; the rest is the divergence from "
        "the dense model.",
    )
    labelled: Annotated[bool, OUT_AT_DEFAULT] = Field(
        False,
        description="Whether each line of the dataset, a .jsonl file, is a conversation: `prompt` and "
        "`answer`, or `messages`. It is written in the model's chat template, and only its answers are "
        "predicted, so `cross_entropy` must be 1. `tokens` are the most that are trained on.",
    )
    epochs: Annotated[int, OUT_AT_DEFAULT] = Field(
        1,
        ge=1,
        le=20,
        description="How often labelled data is trained on, in another order each time; the state with the "
        "lowest held-out loss is kept. Unlabelled text is trained on once.",
    )

    @field_validator("dataset")
    @classmethod
    def _has_articles(cls, dataset: str | None) -> str | None:
        if dataset is not None and is_stored(dataset):
            raise ValueError("must be a text: token ids (.npy) do not say where an article ends")
        return dataset

    @field_validator("labelled")
    @classmethod
    def _labels_are_used(cls, labelled: bool, info: ValidationInfo) -> bool:
        if not labelled or not {"dataset", "cross_entropy"} <= info.data.keys():
            return labelled
        dataset = info.data["dataset"]
        if dataset is None or not _may_be_jsonl(dataset):
            raise ValueError("needs a dataset: a .jsonl file of conversations, or an upload of one")
        if info.data["cross_entropy"] != 1:
            raise ValueError("trains on the answers alone; give cross_entropy 1")
        return labelled

    @field_validator("epochs")
    @classmethod
    def _only_labels_are_repeated(cls, epochs: int, info: ValidationInfo) -> int:
        if epochs > 1 and info.data.get("labelled") is False:
            raise ValueError("are for labelled data; of a text more tokens are worth more: ask for those")
        if epochs * info.data.get("tokens", 0) > _MOST_TOKENS:
            raise ValueError(f"times tokens must be at most {_MOST_TOKENS}; ask for fewer of one of them")
        return epochs

    @property
    def rate(self) -> LearningRate:
        """The highest learning rate; one that the recipe names is that of all parameters."""
        if self.learning_rate is not None:
            return LearningRate(self.learning_rate, is_relative=False)
        return LearningRate(_RELATIVE_RATE, is_relative=True)


def _may_be_jsonl(dataset: str) -> bool:
    name = content_name(dataset) or (dataset if is_local(dataset) else "")
    return is_upload(dataset) or PurePosixPath(name).suffix == ".jsonl"


class BlockRecoveryOptions(StrictModel):
    """Train each block's kept weights and norms, right behind its masks, towards the dense block's output."""

    epochs: int = Field(10, ge=1, le=100, description="Passes over the calibration windows.")
    learning_rate: float = Field(
        1e-4, gt=0, le=0.1, description="The learning rate of the first step; it falls to none."
    )
    windows_per_step: int = Field(8, ge=1, le=4096, description="Calibration windows of one optimiser step.")
    toward: float = Field(
        0.5,
        ge=0,
        le=1,
        description="The target: at 0, the dense block's output on the pruned model's inputs; at 1, on the "
        "dense model's; in between, a weighted mean.",
    )


def _from_plain_choice(value: Any) -> Any:  # noqa: ANN401 - what a client sent, not yet validated
    if not isinstance(value, bool | Mapping | StrictModel | None):
        raise ValueError("must be true, false, or an object with options")
    return ({} if value else None) if isinstance(value, bool) else value


# true or false alone, or the options. The schema names the options only, so that it is one for requests and
# answers.
Blocks = Annotated[BlockRecoveryOptions | None, BeforeValidator(_from_plain_choice)]
Distil = Annotated[DistilOptions | None, BeforeValidator(_from_plain_choice)]


class RecoveryOptions(StrictModel):
    """Train what pruning has left. The result is called trained: it is no longer one-shot."""

    blocks: Blocks = Field(
        None,
        description="How each pruned block is trained before the next one is pruned; true: as by default.",
    )
    distil: Distil = Field(
        None, description="How the dense model is distilled into the whole pruned one; true: as by default."
    )

    @model_validator(mode="after")
    def _trains_something(self) -> "RecoveryOptions":
        if self.blocks is None and self.distil is None:
            raise ValueError("trains nothing; give blocks or distil, or leave recovery out")
        return self
