"""Uploaded texts."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas.pages import Page
from jobs.tables import Upload


class UploadItem(BaseModel):
    """An uploaded text."""

    id: UUID = Field(description="Identifies the upload.")
    name: str = Field(description="The name that you gave it.")
    format: str = Field(
        description="`txt` for one text, `jsonl` for one document per line.", examples=["txt", "jsonl"]
    )
    size: int = Field(description="Size in bytes.")
    sha256: str = Field(description="SHA-256 of the content, in hexadecimal.")
    created_at: datetime = Field(description="When it was uploaded.")
    dataset: str = Field(description="The dataset name to use in a job.", examples=["upload:<id>"])

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """Build the item from a row."""
        return cls(
            id=upload.id,
            name=upload.name,
            format=upload.format,
            size=upload.size,
            sha256=upload.sha256,
            created_at=upload.created_at,
            dataset=f"upload:{upload.id}",
        )


class UploadPage(Page[UploadItem]):
    """A page of your uploads, newest first, and how much of the quota they use."""

    used_bytes: int = Field(description="Total size of all your uploads.")
    quota_bytes: int = Field(description="The most that your uploads may take together.")
