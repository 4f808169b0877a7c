"""References to texts: a registered dataset by its name, a file by its path, an upload, a content hash."""

import re
from typing import Annotated

from pydantic import AfterValidator

from pruning.recipe.fields import Text, absolute_path, is_local
from pruning.recipe.registry import Registry, UnknownName

DATASETS: Registry[str] = Registry("pruneserve.datasets", load=lambda point: point.value)
"""The function that reads each named dataset, as `module:function`; see `pruning.data.datasets`."""

DATASETS.register("c4", "pruning.data.datasets:c4")
DATASETS.register("wikitext2", "pruning.data.datasets:wikitext2")
DATASETS.register("builtin", "pruning.data.datasets:builtin")

_UPLOAD = re.compile(r"upload:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTENT = re.compile(r"sha256:([0-9a-f]{64}\.(?:txt|jsonl))")


def is_upload(dataset: str) -> bool:
    """Whether a dataset reference is the id of an upload, which only the service can resolve."""
    return _UPLOAD.fullmatch(dataset) is not None


def content_name(dataset: str) -> str | None:
    """The file `<sha256>.txt` or `.jsonl` of a text referenced by its content; None for other references."""
    match = _CONTENT.fullmatch(dataset)
    return match[1] if match else None


def is_stored(dataset: str) -> bool:
    """Whether a dataset reference is a file of token ids rather than text."""
    return is_local(dataset) and dataset.endswith(".npy")


def _dataset(value: str) -> str:
    if is_local(value):
        return absolute_path(value)
    if is_upload(value) or content_name(value):
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
