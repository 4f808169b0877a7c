"""Records of the audit log."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.pages import Page
from jobs.access.audit import Action


class AuditItem(BaseModel):
    """Who did what, when, and from where."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="Identifies the record.")
    at: datetime = Field(description="When it happened.")
    action: Action = Field(description="What was done.")
    owner: str | None = Field(description="Who did it; null where the request was not authenticated.")
    key_id: UUID | None = Field(description="With which key; null where the request was not authenticated.")
    address: str = Field(description="The address that the request came from.")
    subject: str = Field(description="To what it was done, or the request.")
    subject_owner: str | None = Field(description="Whose that is; null where it has no owner.")


class AuditPage(Page[AuditItem]):
    """A page of the audit log, newest first."""
