"""References to texts, and the calibration set: one dataset, or several by weight.

A text is a registered dataset by its name, a file by its path, an upload by its id, or a content hash.
Gradient norms are named in the same ways, and by the job that has computed them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from pruning.recipe.fields import StrictModel, Text, absolute_path, is_local
from pruning.recipe.registry import Registry, UnknownName

DATASETS: Registry[str] = Registry("pruneserve.datasets", load=lambda point: point.value)
"""The function that reads each named dataset, as `module:function`; see `pruning.data.datasets`."""

DATASETS.register("c4", "pruning.data.datasets:c4")
DATASETS.register("wikitext2", "pruning.data.datasets:wikitext2")
DATASETS.register("builtin", "pruning.data.datasets:builtin")
DATASETS.register("builtin-code", "pruning.data.datasets:builtin_code")
DATASETS.register("builtin-math", "pruning.data.datasets:builtin_math")
DATASETS.register("builtin-german", "pruning.data.datasets:builtin_german")

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UPLOAD = re.compile(rf"upload:{_ID}")
_GRADIENT_JOB = re.compile(rf"gradient:({_ID})")
_CONTENT = re.compile(r"sha256:([0-9a-f]{64}\.(?:txt|jsonl|safetensors))")


def is_upload(dataset: str) -> bool:
    """Whether a dataset reference is the id of an upload, which only the service can resolve."""
    return _UPLOAD.fullmatch(dataset) is not None


def gradient_job(reference: str) -> UUID | None:
    """The id of the job whose gradient norms a reference names; None for other references."""
    match = _GRADIENT_JOB.fullmatch(reference)
    return UUID(match[1]) if match else None


def content_name(dataset: str) -> str | None:
    """The file `<sha256>.<ending>` of an upload referenced by its content; None for other references.

    The ending is `txt` or `jsonl` for a text, and `safetensors` for gradient norms.
    """
    match = _CONTENT.fullmatch(dataset)
    return match[1] if match else None


def is_token_file(dataset: str) -> bool:
    """Whether a dataset reference is a file of token ids rather than text."""
    return is_local(dataset) and dataset.endswith(".npy")


def refuse_token_files(datasets: Iterable[str | None]) -> None:
    """Raise ValueError for the first file of token ids: its windows are already cut."""
    for dataset in datasets:
        if dataset is not None and is_token_file(dataset):
            raise ValueError(
                f"cannot be chosen with {PurePosixPath(dataset).name}, whose windows of token ids are used "
                "unchanged: leave out one of the two"
            )


def _validate_dataset(value: str) -> str:
    if is_local(value):
        return absolute_path(value)
    content = content_name(value)
    if content is not None and content.endswith(".safetensors"):
        raise ValueError("names gradient norms, which are not text; name them in gradients")
    if is_upload(value) or content:
        return value
    try:
        DATASETS[value]
    except UnknownName as unknown:
        raise ValueError(
            unknown.message(
                "the absolute path of a .txt, .jsonl, .parquet or .npy file",
                "or 'upload:' with the id of an upload",
            )
        ) from None
    return value


Dataset = Annotated[Text, AfterValidator(_validate_dataset)]


DEFAULT_SEQUENCE_LENGTH = 2_048
"""Tokens per window by default; fewer where the model's context is shorter."""


class WeightedDataset(StrictModel):
    """A dataset, and how much of the calibration set comes from it."""

    dataset: Dataset = Field(description="A dataset by name, the path of a file, or an upload.")
    weight: float = Field(1.0, gt=0, le=1e6, description="Relative to the weights of the other datasets.")


@dataclass(frozen=True)
class Share:
    """One dataset's share of the calibration set."""

    field: str  # of the request, for errors about the dataset
    dataset: str
    weight: float
    samples: int


WindowLength = Annotated[
    int | None,
    Field(
        ge=2,
        le=131_072,
        description="Tokens per window. When left out: those of a .npy file, else min(2048, the model's "
        "context), which is also what an estimate takes: it does not read the file.",
    ),
]


class Calibration(StrictModel):
    """The token windows on which activations and gradients are measured. The defaults are the reference's."""

    dataset: Dataset | None = Field(
        "c4",
        description="A dataset by name, a file's path, or an upload; several go into `datasets`.",
    )
    datasets: tuple[WeightedDataset, ...] = Field(
        (),
        max_length=16,
        strict=False,  # JSON has lists where Python has tuples
        validate_default=True,
        description="Several datasets by weight, in place of `dataset`.",
    )
    samples: int = Field(
        128, ge=1, le=65_536, validate_default=True, description="The number of token windows."
    )
    sequence_length: WindowLength = None
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Decides which windows are drawn.")
    add_bos_token: bool = Field(
        False,
        description="Begin each window with the token that the model's tokenizer puts before a text; its "
        "length includes it. Gemma's models read texts badly without it. A recovery's text begins so too.",
    )

    @model_validator(mode="before")
    @classmethod
    def _clear_default_dataset(cls, value: Any) -> Any:  # noqa: ANN401 - what a client sent, not yet validated
        if isinstance(value, Mapping) and value.get("datasets") and "dataset" not in value:
            return {**value, "dataset": None}
        return value

    @field_validator("datasets")
    @classmethod
    def _validate_one_of_dataset_and_datasets(
        cls, datasets: tuple[WeightedDataset, ...], info: ValidationInfo
    ) -> tuple[WeightedDataset, ...]:
        if datasets and info.data.get("dataset") is not None:
            raise ValueError("takes the place of dataset; give one of the two")
        if not datasets and "dataset" in info.data and info.data["dataset"] is None:
            raise ValueError("is empty, and dataset is null; give one of the two")
        return datasets

    @field_validator("samples")
    @classmethod
    def _validate_one_window_per_dataset(cls, samples: int, info: ValidationInfo) -> int:
        weights = [weighted.weight for weighted in info.data.get("datasets", ())]
        for number, count in enumerate(largest_remainder(samples, weights)):
            if count == 0:
                raise ValueError(
                    f"leaves no window for datasets.{number} with its weight of {weights[number]:g}; "
                    "ask for more samples, or give it more weight"
                )
        return samples

    @field_validator("add_bos_token")
    @classmethod
    def _validate_bos_with_token_files(cls, wanted: bool, info: ValidationInfo) -> bool:
        if wanted:
            refuse_token_files(
                (info.data.get("dataset"), *(each.dataset for each in info.data.get("datasets", ())))
            )
        return wanted

    @property
    def shares(self) -> tuple[Share, ...]:
        """The number of windows from each dataset, in the order of the request."""
        if self.dataset is not None:
            return (Share("calibration.dataset", self.dataset, 1.0, self.samples),)
        counts = largest_remainder(self.samples, [weighted.weight for weighted in self.datasets])
        return tuple(
            Share(f"calibration.datasets.{number}.dataset", weighted.dataset, weighted.weight, count)
            for number, (weighted, count) in enumerate(zip(self.datasets, counts, strict=True))
        )


def largest_remainder(total: int, weights: list[float]) -> list[int]:
    """Split `total` in proportion to the weights: whole parts first, the rest to the largest remainders.

    Of equal remainders the earlier one comes first. The arithmetic is exact, so that the split is the same on
    every machine.
    """
    whole = sum(map(Fraction, weights))
    quotas = [total * Fraction(weight) / whole for weight in weights]
    counts = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(quotas)), key=lambda number: counts[number] - quotas[number])
    for number in by_remainder[: total - sum(counts)]:
        counts[number] += 1
    return counts
