"""The caller of a request."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from jobs.access.api_keys import Scope


class Me(BaseModel):
    """The caller of a request."""

    owner: str = Field(description="Whose jobs, uploads and keys the caller sees.")
    key_id: UUID = Field(
        description="The `id` of the API key, or of the one that the page session began with."
    )
    scopes: list[Scope] = Field(description="What the caller may do.")
    expires_at: datetime | None = Field(description="When the key expires; null if it does not.")


class StorageUse(BaseModel):
    """What an owner's jobs and uploads take in the store. All sizes are in bytes."""

    artifact_bytes: int = Field(description="Files of succeeded jobs, without the norms of gradient jobs.")
    gradient_bytes: int = Field(description="Gradient norms that you keep: computed and uploaded ones.")
    unfinished_bytes: int = Field(description="Finished blocks of jobs that run, or that a retry resumes.")
    cache_bytes: int = Field(
        description="Gradient norms and measurements of dense models that later jobs use again. Deleting the "
        "job that has computed them deletes them."
    )
    upload_bytes: int = Field(description="Uploaded texts.")
    quota_bytes: int = Field(description="What uploads and gradient norms may take together.")
    total_bytes: int = Field(description="All of it.")
