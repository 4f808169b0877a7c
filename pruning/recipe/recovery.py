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

_DENSE_RATE, _MEASURED_AT = 1.5e-4, 1.35e8  # with SmolLM2-135M
_HIGHEST_DENSE_RATE, _HIGHEST_RATE = 3e-4, 1e-3
_MOST_TOKENS = 2**28


@dataclass(frozen=True)
class LearningRate:
    """The highest learning rate of each parameter, by the share of its weights that are kept."""

    dense: float
    """That of a parameter without a mask."""
    most: float
    """That of a parameter of which little is kept."""

    def of(self, kept: float) -> float:
        """Return the rate of a parameter that keeps this share of its weights.

        A step of Adam moves each weight by about the rate, so that it moves a layer's output by as much as
        there are inputs to it. Of fewer inputs it takes larger steps to move it as far (SμPar, arXiv
        2405.15743).
        """
        return self.dense / max(kept, self.dense / self.most)


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
        description="The highest learning rate, of all parameters; when left out, 1.5e-4 for 135 million "
        "parameters, less by the root of the size for larger models, and a pruned layer's divided by how "
        "much of its weights it keeps.",
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

    def rate_for(self, parameters: int) -> LearningRate:
        """Return the highest learning rates for a model of this size.

        The default's root of the size fits what is published for models of 7 billion parameters. A rate that
        the recipe names is that of all parameters.
        """
        if self.learning_rate is not None:
            return LearningRate(self.learning_rate, self.learning_rate)
        dense = min(_HIGHEST_DENSE_RATE, _DENSE_RATE * (_MEASURED_AT / parameters) ** 0.5)
        return LearningRate(dense, _HIGHEST_RATE)


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
