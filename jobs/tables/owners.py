"""What belongs to an owner other than jobs: API keys, sessions, uploads, webhooks, zoo entries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import NOW, Base


class ApiKey(Base):
    """An API key, by the hash of its secret. The key itself is shown once, when it is made."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    prefix: Mapped[str] = mapped_column(unique=True)
    secret_sha256: Mapped[bytes]
    owner: Mapped[str]
    name: Mapped[str]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    # The key whose holder made this one; null for keys made on the operator's command line.
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("api_keys.id"))
    # Issuer and subject, in the row of a user who signs in with the identity provider. It has no secret, so
    # it opens page sessions alone.
    subject: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("scopes <@ ARRAY['jobs:read', 'jobs:write', 'admin']", name="scopes"),
        Index("ix_api_keys_owner_id", "owner", "id"),
        Index("ix_api_keys_created_by", "created_by", postgresql_where=text("created_by IS NOT NULL")),
        Index(
            "ix_api_keys_subject_owner",
            "subject",
            "owner",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index("ix_api_keys_ended_at", text("LEAST(revoked_at, expires_at)")),
    )


class AuditRecord(Base):
    """Who did something that an operator may have to account for. A trigger refuses changes and deletions."""

    __tablename__ = "audit_records"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    action: Mapped[str]
    # Null where the request was not authenticated.
    owner: Mapped[str | None]
    # No foreign key: the record outlives what it is about.
    key_id: Mapped[UUID | None]
    address: Mapped[str]
    subject: Mapped[str]
    subject_owner: Mapped[str | None]


class PageSession(Base):
    """A browser session of the page, or (`one_time`) a sign-in link that was not used yet."""

    __tablename__ = "page_sessions"

    token_sha256: Mapped[bytes] = mapped_column(primary_key=True)
    api_key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"))
    one_time: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]

    __table_args__ = (Index("ix_page_sessions_api_key_id", "api_key_id"),)


class Upload(Base):
    """A text, or gradient norms, that an owner has uploaded. Recipes name it by its content."""

    __tablename__ = "uploads"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    owner: Mapped[str]
    name: Mapped[str]
    format: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    key: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (
        UniqueConstraint("owner", "sha256", "format"),
        CheckConstraint("format IN ('txt', 'jsonl', 'safetensors')", name="format"),
        Index("ix_uploads_owner_id", "owner", "id"),
    )


class StrayUpload(Base):
    """A file under `uploads/` in the store that no upload names: it is being sent, or is to be deleted."""

    __tablename__ = "stray_uploads"

    key: Mapped[str] = mapped_column(primary_key=True)
    # Whose quota it takes while it is being sent, and how many bytes of it; null once it is to be deleted.
    owner: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    since: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (Index("ix_stray_uploads_owner", "owner", postgresql_where=text("owner IS NOT NULL")),)


class WebhookEndpoint(Base):
    """A URL that an owner wants events to be sent to. The secret is encrypted."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    owner: Mapped[str]
    url: Mapped[str]
    events: Mapped[list[str]]
    format: Mapped[str] = mapped_column(server_default="standard")
    secret: Mapped[bytes]
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (Index("ix_webhook_endpoints_owner_id", "owner", "id"),)


class WebhookDelivery(Base):
    """A message to one endpoint, in the outbox. No more attempts follow when `next_attempt_at` is null."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime | None] = mapped_column(server_default=NOW)
    last_attempt_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (
        Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
        Index(
            "ix_webhook_deliveries_due",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
    )


class ZooEntry(Base):
    """A succeeded job that its owner has published: all users of this service may download the model."""

    __tablename__ = "zoo_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    slug: Mapped[str] = mapped_column(unique=True)
    # No cascade: an entry must be withdrawn before its job can be deleted.
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), unique=True)
    note: Mapped[str]
    promoted_by: Mapped[str]
    promoted_at: Mapped[datetime] = mapped_column(server_default=NOW)
