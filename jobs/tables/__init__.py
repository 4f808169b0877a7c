"""The tables that API and workers share. Every timestamp comes from the clock of the database."""

from jobs.tables.base import NOW, SEARCH_NOW, Base, first_id_at
from jobs.tables.jobs import (
    Artifact,
    DeletedJob,
    Dispatcher,
    IdempotencyKey,
    Job,
    JobAttempt,
    JobBlock,
    JobEvent,
    JobLabel,
    Lease,
    Sweep,
    Worker,
)
from jobs.tables.owners import (
    ApiKey,
    AuditRecord,
    PageSession,
    StrayUpload,
    Upload,
    WebhookDelivery,
    WebhookEndpoint,
    ZooEntry,
)
from jobs.tables.shared import CachedGradients, CachedPerplexity, GradientShard

__all__ = [
    "NOW",
    "SEARCH_NOW",
    "ApiKey",
    "Artifact",
    "AuditRecord",
    "Base",
    "CachedGradients",
    "CachedPerplexity",
    "DeletedJob",
    "Dispatcher",
    "GradientShard",
    "IdempotencyKey",
    "Job",
    "JobAttempt",
    "JobBlock",
    "JobEvent",
    "JobLabel",
    "Lease",
    "PageSession",
    "StrayUpload",
    "Sweep",
    "Upload",
    "WebhookDelivery",
    "WebhookEndpoint",
    "Worker",
    "ZooEntry",
    "first_id_at",
]
