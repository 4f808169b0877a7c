"""References to texts: a registered dataset by its name, a file by its path, an upload, a content hash.

Gradient norms are named in the same ways, and by the job that has computed them.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator

from pruning.recipe.fields import Text, absolute_path, is_local
from pruning.recipe.registry import Registry, UnknownName

DATASETS: Registry[str] = Registry("pruneserve.datasets", load=lambda point: point.value)
"""The function that reads each named dataset, as `module:function`; see `pruning.data.datasets`."""

DATASETS.register("c4", "pruning.data.datasets:c4")
DATASETS.register("wikitext2", "pruning.data.datasets:wikitext2")
DATASETS.register("builtin", "pruning.data.datasets:builtin")

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


def is_stored(dataset: str) -> bool:
    """Whether a dataset reference is a file of token ids rather than text."""
    return is_local(dataset) and dataset.endswith(".npy")


def refuse_stored(datasets: Iterable[str | None]) -> None:
    """Raise ValueError for the first file of token ids: what is asked for says how windows are cut."""
    for dataset in datasets:
        if dataset is not None and is_stored(dataset):
            raise ValueError(
                f"cannot be chosen with {PurePosixPath(dataset).name}, whose windows of token ids are used "
                "as they stand: leave out one of the two"
            )


def _dataset(value: str) -> str:
    if is_local(value):
        return absolute_path(value)
    content = content_name(value)
    if content is not None and content.endswith(".safetensors"):
        raise ValueError("names gradient norms, which are no text; name them in gradients")
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


Dataset = Annotated[Text, AfterValidator(_dataset)]
