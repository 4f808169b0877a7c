"""The owner's webhooks: a list with their last messages; buttons test, stop, resume and delete one."""

import shlex
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from api.actions.webhooks import find
from api.page.base.render import page, public_address
from api.resources import Database
from api.schemas.pages import PageQuery
from api.schemas.webhooks import DeliveryItem, WebhookItem, WebhookPage
from api.security.auth import Reader, Writer
from jobs.webhooks import endpoints, outbox

router = APIRouter(include_in_schema=False)

_MESSAGES = 5


@dataclass(frozen=True, slots=True)
class _Row:
    """A webhook in the list, with its last messages, newest first."""

    webhook: WebhookItem
    messages: list[DeliveryItem]


@router.get("/webhooks")
def list_webhooks(
    request: Request, query: Annotated[PageQuery, Query()], principal: Reader, database: Database
) -> Response:
    """Show the webhooks, whether their messages arrive, and how to make one."""
    owner = principal.owner
    with database.begin() as session:
        found = endpoints.newest(session, owner, before=query.cursor, limit=query.rows)
        listed = WebhookPage.of(found, query, WebhookItem.of)
        rows = [
            _Row(
                item,
                [
                    DeliveryItem.of(one)
                    for one in outbox.deliveries(session, owner, item.id, before=None, limit=_MESSAGES)
                ],
            )
            for item in listed.items
        ]
    return page(
        "webhooks.html",
        rows=rows,
        older=listed.next_cursor,
        command=_command(public_address(request)),
        principal=principal,
        place="webhooks",
    )


@router.post("/webhooks/{webhook_id}/test")
def send_test(webhook_id: UUID, principal: Writer, database: Database) -> Response:
    """Queue a test message."""
    with database.begin() as session:
        outbox.send_test(session, find(session, principal.owner, webhook_id))
    return _back()


@router.post("/webhooks/{webhook_id}/enable")
def enable(
    webhook_id: UUID, principal: Writer, database: Database, enabled: Annotated[bool, Form()]
) -> Response:
    """Stop the deliveries of a webhook, or resume them."""
    with database.begin() as session:
        endpoints.enable(session, find(session, principal.owner, webhook_id), enabled)
    return _back()


@router.post("/webhooks/{webhook_id}/delete")
def delete(webhook_id: UUID, principal: Writer, database: Database) -> Response:
    """Delete a webhook and the messages that are still pending for it."""
    with database.begin() as session:
        session.delete(find(session, principal.owner, webhook_id))
    return _back()


def _back() -> Response:
    return RedirectResponse("/webhooks", status.HTTP_303_SEE_OTHER)


def _command(server: str) -> str:
    """Write the command that makes a webhook. It prints the secret, which no page shows."""
    return (
        f"PRUNESERVE_URL={shlex.quote(server)} pruneserve webhooks new https://hooks.example.org/pruneserve"
    )
