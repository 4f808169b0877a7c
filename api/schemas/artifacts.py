"""The files of a job."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from jobs.tables import Artifact

LOAD = """from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("{directory}")
tokenizer = AutoTokenizer.from_pretrained("{directory}")
"""
"""Python code that loads a downloaded model from a directory."""


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
        return cls(
            id=artifact.id,
            name=artifact.name,
            size=artifact.size,
            sha256=artifact.sha256,
            stored_size=artifact.stored_size,
            created_at=artifact.created_at,
            url=f"/v1/jobs/{artifact.job_id}/artifacts/{artifact.id}/content",
        )


class ArtifactList(BaseModel):
    """The files of a job."""

    items: list[ArtifactItem] = Field(description="All files, ordered by name.")
