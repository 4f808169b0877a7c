"""What the REST API and the page do with webhooks."""

from uuid import UUID

from sqlalchemy.orm import Session

from api.problems.problems import NotFound
from jobs.tables import WebhookEndpoint
from jobs.webhooks import endpoints


def find(session: Session, owner: str, webhook_id: UUID) -> WebhookEndpoint:
    """Return one of the owner's webhooks, locked until the transaction ends. Raises NotFound."""
    endpoint = endpoints.get(session, owner, webhook_id)
    if endpoint is None:
        raise NotFound("There is no such webhook, or it belongs to another owner.")
    return endpoint
