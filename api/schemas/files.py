"""Stored files: artifacts of jobs, uploads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas.base import Page
from jobs.tables import Artifact, Upload
from pruning.recipe.exports import MASK_ONLY


def loading_code(directory: str, report: Mapping[str, Any] | None) -> str:
    """Return Python code that loads a downloaded model, whose class its report names, from a directory."""
    model = (report or {}).get("model", {}).get("architecture", "AutoModelForCausalLM")
    masks = (one["path"] for one in (report or {}).get("exports", ()) if one["name"] == MASK_ONLY)
    first = ""
    if (mask := next(masks, None)) is not None:
        first = f"# first: pruneserve apply DENSE {directory}/{mask} {directory}-applied\n"
        directory = f"{directory}-applied"
    return f"""{first}from transformers import AutoTokenizer, {model}

model = {model}.from_pretrained("{directory}")
tokenizer = AutoTokenizer.from_pretrained("{directory}")
"""


class ArtifactItem(BaseModel):
    """A file that a job has produced."""

    id: UUID = Field(description="Identifies the file within the service.")
    name: str = Field(description="Relative path of the file within the model's directory.")
    size: int = Field(description="Size in bytes.")
    sha256: str = Field(description="SHA-256 of the content, in hexadecimal.")
    stored_size: int | None = Field(
        None,
        description="Bytes in the store, and of a download with `Accept-Encoding: zstd`; null if kept plain.",
    )
    created_at: datetime = Field(description="When the job succeeded and the file was published.")
    url: str = Field(description="Where to download the content, relative to this service.")

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """Build the item from a row."""
        fields = {name: getattr(artifact, name) for name in cls.model_fields if name != "url"}
        return cls(**fields, url=f"/v1/jobs/{artifact.job_id}/artifacts/{artifact.id}/content")


class ArtifactList(BaseModel):
    """The files of a job."""

    items: list[ArtifactItem] = Field(description="All files, ordered by name.")


class UploadItem(BaseModel):
    """An uploaded text, or uploaded gradient norms."""

    id: UUID = Field(description="Identifies the upload.")
    name: str = Field(description="The name that you gave it.")
    format: str = Field(
        description="`txt` for one text, `jsonl` for one document per line, `safetensors` for norms.",
        examples=["txt", "jsonl", "safetensors"],
    )
    size: int = Field(description="Size in bytes.")
    sha256: str = Field(description="SHA-256 of the content, in hexadecimal.")
    created_at: datetime = Field(description="When it was uploaded.")
    dataset: str = Field(
        description="What a job names where it takes a dataset, or in `gradients`.", examples=["upload:<id>"]
    )

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """Build the item from a row."""
        fields = {name: getattr(upload, name) for name in cls.model_fields if name != "dataset"}
        return cls(**fields, dataset=f"upload:{upload.id}")


class UploadPage(Page[UploadItem]):
    """A page of your uploads, newest first, and how much of the quota they use."""

    used_bytes: int = Field(description="Total size of your uploads and gradient norms.")
    quota_bytes: int = Field(description="The most that your uploads and gradient norms may take together.")
