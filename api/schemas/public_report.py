"""The report of a job as everyone with a key may read it: no path of a machine, and no digest of an upload.

The file in the store is its owner's. The zoo serves this one in its place, made from the row each time.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.spec.job import JobSpec
from jobs.tables import Job
from pruning.recipe import content_name, is_local, is_upload
from pruning.report import FILE_NAME

__all__ = ["FILE_NAME", "PublicReport", "public_name"]

_AN_UPLOAD = "an uploaded text"


@dataclass(frozen=True, slots=True)
class PublicReport:
    """The file, as it is served."""

    content: bytes

    @classmethod
    def of(cls, job: Job) -> "PublicReport":
        """Write the report of a job that has one."""
        names = dict(_private_names(JobSpec.model_validate(job.spec)))
        return cls(json.dumps(_renamed(job.report, names), indent=2, ensure_ascii=False).encode() + b"\n")

    @property
    def sha256(self) -> str:
        """The digest of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def public_name(reference: str) -> str:
    """Return a Hub id or dataset as it is, of a path only the last part, and of an upload that it is one."""
    if is_upload(reference) or content_name(reference):
        return _AN_UPLOAD
    return reference.rstrip("/").rpartition("/")[2] if is_local(reference) else reference


def _private_names(spec: JobSpec) -> Iterator[tuple[str, str]]:
    """Yield what the specification names and others must not read, each with its replacement."""
    references = [spec.recipe.model.id, *(dataset for _, dataset in spec.texts)]
    for reference in (*references, spec.recipe.gradients or ""):
        if public_name(reference) != reference:
            yield reference, public_name(reference)
        if (content := content_name(reference)) is not None:
            yield content, _AN_UPLOAD
            yield content.partition(".")[0], _AN_UPLOAD


def _renamed(node: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - any part of a JSON document
    match node:
        case dict():
            return {_renamed(key, names): _renamed(value, names) for key, value in node.items()}
        case list():
            return [_renamed(value, names) for value in node]
        case str():
            # The longest first: a name may begin another.
            for name in sorted(names, key=len, reverse=True):
                node = node.replace(name, names[name])
            return node
    return node
