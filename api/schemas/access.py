"""API keys, the caller of a request, and the audit log."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import JsonBody, Page, PageQuery, RequestModel
from jobs.access import api_keys
from jobs.access.api_keys import Scope
from jobs.access.audit import Action
from jobs.tables import ApiKey
from pruning.recipe import ErrorMessage, Text

Owner = Annotated[
    Text,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$", examples=["ada"]),
    ErrorMessage("must be at most 64 letters, digits and . _ @ -, the first a letter or a digit"),
]


class KeyRequest(JsonBody):
    """An API key to create."""

    name: Annotated[Text, Field(max_length=100, examples=["ci"], description="What the key is for.")]
    scopes: list[Annotated[Scope, Field(strict=False)]] = Field(
        [*api_keys.ORDINARY_SCOPES],
        min_length=1,
        max_length=len(Scope),
        description="What the key may do. You can grant only scopes that your own key has, unless it has "
        "`admin`.",
    )
    owner: Owner | None = Field(
        None, description="Whose key it is; yours by default. Another owner needs the scope `admin`."
    )
    expires_in_days: float = Field(
        365.0,
        gt=0,
        le=3650,
        description="When it expires. A key does not outlive the one that created it, unless that has "
        "`admin`.",
    )


class KeyItem(BaseModel):
    """An API key without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="Identifies the key.")
    prefix: str = Field(description="The letters after `ps_`, by which you can recognise the key.")
    owner: str = Field(description="Whose key it is.")
    name: str = Field(description="What the key is for.")
    scopes: list[Scope] = Field(description="What the key may do.")
    created_at: datetime = Field(description="When the key was created.")
    created_by: UUID | None = Field(
        None,
        description="The id of the key that made it; null if it was made on the operator's command line.",
    )
    expires_at: datetime | None = Field(description="When the key expires; null if it does not.")
    last_used_at: datetime | None = Field(
        description="When the key was last used, to the minute; null if it never was."
    )


class NewKey(KeyItem):
    """An API key that was just created."""

    key: str = Field(description="The key itself. Only its hash is stored, so it cannot be read again.")

    @classmethod
    def of(cls, row: ApiKey, key: str) -> Self:
        """Build the answer from a row and the key's secret."""
        return cls(**KeyItem.model_validate(row).model_dump(), key=key)


class KeyPage(Page[KeyItem]):
    """A page of API keys, newest first."""


class RevocationQuery(RequestModel):
    """What to revoke with a key."""

    cascade: bool = Field(
        False, description="Also revoke the keys that it made, those that these made, and so on."
    )


class KeyListQuery(PageQuery):
    """Which keys to list."""

    everyone: bool = Field(False, description="List the keys of every owner; needs the scope `admin`.")


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
