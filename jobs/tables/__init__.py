"""The tables that API and workers share. Every timestamp comes from the clock of the database."""

from jobs.tables.base import NOW, SEARCH_NOW, Base, first_id_at
from jobs.tables.fleet import Queue, Scheduler, Worker
from jobs.tables.jobs import (
    Artifact,
    DeletedJob,
    IdempotencyKey,
    Job,
    JobAttempt,
    JobBlock,
    JobEvent,
    JobLabel,
    Lease,
    SentFile,
    Sweep,
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
from jobs.tables.shares import DailyUse, OwnerShare, QueueTurn, RecentUse

__all__ = [
    "NOW",
    "SEARCH_NOW",
    "ApiKey",
    "Artifact",
    "AuditRecord",
    "Base",
    "CachedGradients",
    "CachedPerplexity",
    "DailyUse",
    "DeletedJob",
    "GradientShard",
    "IdempotencyKey",
    "Job",
    "JobAttempt",
    "JobBlock",
    "JobEvent",
    "JobLabel",
    "Lease",
    "OwnerShare",
    "PageSession",
    "Queue",
    "QueueTurn",
    "RecentUse",
    "Scheduler",
    "SentFile",
    "StrayUpload",
    "Sweep",
    "Upload",
    "WebhookDelivery",
    "WebhookEndpoint",
    "Worker",
    "ZooEntry",
    "first_id_at",
]
