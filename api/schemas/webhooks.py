"""Webhooks: endpoints, their secrets and the deliveries to them."""

import base64
from datetime import datetime
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas.base import JsonBody, Page
from api.schemas.jobs import Perplexity
from jobs.lifecycle.events import JobError
from jobs.spec.gate import Verdict
from jobs.states import JobState
from jobs.tables import WebhookDelivery, WebhookEndpoint
from jobs.webhooks import endpoints
from jobs.webhooks.endpoints import MessageFormat
from jobs.webhooks.outbox import WebhookEvent
from pruning.recipe import Text

Events = Annotated[
    list[Annotated[WebhookEvent, Field(strict=False)]], Field(min_length=1, max_length=len(WebhookEvent))
]
Format = Annotated[MessageFormat, Field(strict=False)]
HIDDEN_PATH = "/…"
"""What the path of a Slack webhook is shown as."""

Address = Annotated[Text, Field(examples=["https://hooks.example.org/pruneserve"])]


class JobInMessage(BaseModel):
    """A job that has started or ended: what decides whether to read all of it."""

    id: UUID = Field(description="Identifies the job.")
    url: str = Field(description="Where to read the job over REST.")
    page: str = Field(description="Address of its page.")
    state: JobState = Field(description="How it ended, or `running`.")
    model: str = Field(description="The dense model: a Hub id or a path.")
    method: str = Field(description="The name of the pruning method.")
    pattern: str = Field(description="`unstructured`, or an N:M pattern such as `2:4`.")
    sparsity: float = Field(description="The requested share of zeros in the pruned layers.")
    labels: dict[str, str] = Field(description="The labels of the request.")
    attempt: int = Field(description="How often a worker has started the job.")
    perplexity: Perplexity | None = Field(description="Both perplexities; null unless the job succeeded.")
    gate: Verdict | None = Field(description="How the job met its gate, if it has one and succeeded.")
    error: JobError | None = Field(description="Why the job failed; null if it did not.")


class JobMessage(BaseModel):
    """The body of a message about a job that has started or ended."""

    type: WebhookEvent = Field(description="What happened.")
    timestamp: datetime = Field(description="When the job started or ended.")
    data: JobInMessage = Field(description="The job.")


class NamedWebhook(BaseModel):
    """A webhook, by its id."""

    webhook: UUID = Field(description="Identifies the webhook.")


class TestMessage(BaseModel):
    """The body of a test message."""

    type: Literal["webhook.test"] = Field(description="What the message is.")
    timestamp: datetime = Field(description="When the test was asked for.")
    data: NamedWebhook = Field(description="The webhook that it was sent to.")


class WebhookRequest(JsonBody):
    """A webhook to create."""

    url: Address = Field(
        description="Where to send messages: an https URL with a public address, unless the operator allows "
        "others."
    )
    events: Events = Field([*WebhookEvent], description="Which events to send; all by default.")
    format: Format = Field(
        MessageFormat.STANDARD,
        description="`standard` for Standard Webhooks, or `slack` for an object with a `text` that links to "
        "the job, as Slack's incoming webhooks take it.",
    )


class WebhookChange(JsonBody):
    """Changes to a webhook. Fields that are left out keep their value."""

    url: Address | None = Field(None, description="The new URL.")
    events: Events | None = Field(None, description="The new list of events.")
    format: Format | None = Field(None, description="The new format of messages.")
    enabled: bool | None = Field(
        None,
        description="False stops deliveries: what happens meanwhile is not sent. True resumes them, with "
        "what was pending before.",
    )


class WebhookItem(BaseModel):
    """A webhook without its secret."""

    id: UUID = Field(description="Identifies the webhook.")
    url: str = Field(
        description="Where messages are sent. With the format `slack` the path is left out, as in "
        "`https://hooks.slack.com/…`: every client that knows it can post there."
    )
    events: list[WebhookEvent] = Field(description="Which events are sent.")
    format: MessageFormat = Field(description="`standard` for Standard Webhooks, or `slack`.")
    enabled: bool = Field(description="Whether messages are being delivered.")
    disabled_reason: str | None = Field(description="Why deliveries stopped; null while enabled.")
    failing_since: datetime | None = Field(
        description="When deliveries began to fail; null if the last one succeeded."
    )
    created_at: datetime = Field(description="When the webhook was created.")

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> Self:
        """Build the item from a row."""
        return cls(
            id=endpoint.id,
            url=_shown(endpoint.url) if endpoint.format == MessageFormat.SLACK else endpoint.url,
            events=[WebhookEvent(event) for event in endpoint.events],
            format=MessageFormat(endpoint.format),
            enabled=endpoint.disabled_at is None,
            disabled_reason=endpoint.disabled_reason,
            failing_since=endpoint.failing_since,
            created_at=endpoint.created_at,
        )


def _shown(url: str) -> str:
    """Return the address of a Slack webhook without its path, which is the credential for it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{HIDDEN_PATH}"


class NewWebhook(WebhookItem):
    """A webhook that was just created."""

    secret: str = Field(description="The secret `whsec_…` for verifying signatures. It cannot be read again.")


def encode_secret(secret: bytes) -> str:
    """Return a secret in the form that Standard Webhooks libraries take: `whsec_` and Base64."""
    return endpoints.SECRET_PREFIX + base64.b64encode(secret).decode()


class WebhookPage(Page[WebhookItem]):
    """A page of your webhooks, newest first."""


class DeliveryItem(BaseModel):
    """A message to a webhook, and its delivery so far."""

    id: UUID = Field(
        description="Identifies the message. Every attempt sends `webhook-id`: `msg_` and this id's "
        "hexadecimal digits."
    )
    event: str = Field(description="The event that the message reports.", examples=["job.succeeded"])
    state: Literal["pending", "delivered", "failed"] = Field(
        description="`pending` while attempts are left; `failed` after the last one failed."
    )
    attempts: int = Field(description="How many attempts were made.")
    next_attempt_at: datetime | None = Field(description="When the next attempt is due; null if none is.")
    last_attempt_at: datetime | None = Field(description="When the last attempt was made.")
    last_status: int | None = Field(description="HTTP status of the last attempt; null without an answer.")
    last_error: str | None = Field(description="Why the last attempt failed; null if it did not.")
    delivered_at: datetime | None = Field(description="When the endpoint accepted the message.")
    created_at: datetime = Field(description="When the event happened.")

    @classmethod
    def of(cls, row: WebhookDelivery) -> Self:
        """Build the item from a row."""
        fields = {name: getattr(row, name) for name in cls.model_fields if name != "state"}
        final: Literal["delivered", "failed"] = "delivered" if row.delivered_at else "failed"
        return cls(**fields, state=final if row.next_attempt_at is None else "pending")


class DeliveryPage(Page[DeliveryItem]):
    """A page of the messages to a webhook, newest first."""
