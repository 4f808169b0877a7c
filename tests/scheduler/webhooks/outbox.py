"""The outbox that the tests of webhooks act on."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from api.schemas.webhooks import encode_secret
from jobs.database import Database
from jobs.settings import Settings
from jobs.tables import NOW, WebhookDelivery, WebhookEndpoint
from jobs.webhooks import endpoints
from jobs.webhooks import outbox as webhook_outbox
from jobs.webhooks.endpoints import MessageFormat, SecretBox
from scheduler.webhook_sender import WebhookSender


class Outbox:
    """Acts for owners, and reads the tables."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.secret_box = database, SecretBox(settings.secret_keys)
        self.settings, self.sender = settings, WebhookSender(database, settings)

    def endpoint(
        self, url: str, *events: str, owner: str = "ada", kind: MessageFormat = MessageFormat.STANDARD
    ) -> tuple[UUID, str]:
        with self.database.begin() as session:
            wanted = events or [*webhook_outbox.WebhookEvent]
            endpoint, secret = endpoints.create(session, self.secret_box, owner, url, wanted, kind)
            return endpoint.id, encode_secret(secret)

    def due_now(self) -> None:
        with self.database.begin() as session:
            pending = WebhookDelivery.next_attempt_at.is_not(None)
            session.execute(update(WebhookDelivery).where(pending).values(next_attempt_at=NOW))

    @property
    def deliveries(self) -> Sequence[WebhookDelivery]:
        with self.database.begin() as session:
            return session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()

    def standing(self, endpoint_id: UUID) -> WebhookEndpoint:
        with self.database.begin() as session:
            return session.get_one(WebhookEndpoint, endpoint_id)
