"""The owner's webhooks: a list with their last messages, buttons, and a form that creates one."""

import shlex
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from pydantic import ConfigDict, Field, model_validator

from api.actions import webhooks
from api.actions.webhooks import find
from api.page.base.forms import without_empty
from api.page.base.render import page, public_address
from api.resources import AppResources, Database, Resources
from api.schemas.pages import PageQuery
from api.schemas.webhooks import DeliveryItem, Events, WebhookItem, WebhookPage, WebhookRequest
from api.security.auth import Reader, ReadingWriter, Writer
from jobs.access.api_keys import Principal
from jobs.webhooks import endpoints, outbox
from jobs.webhooks.endpoints import MessageFormat
from jobs.webhooks.outbox import WebhookEvent

router = APIRouter(include_in_schema=False)

_MESSAGES = 5
_FORMATS = {
    MessageFormat.STANDARD: "Standard Webhooks",
    MessageFormat.SLACK: "Slack, Mattermost or Rocket.Chat",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """A webhook in the list, with its last messages, newest first."""

    webhook: WebhookItem
    messages: list[DeliveryItem]


class WebhookForm(WebhookRequest):
    """A webhook to create, as the form sends it: every value is text, and no event is checked by itself."""

    model_config = ConfigDict(strict=False)

    events: Events = Field()

    _without_empty = model_validator(mode="before")(without_empty)


@router.get("/webhooks")
def list_webhooks(
    request: Request, query: Annotated[PageQuery, Query()], principal: Reader, resources: Resources
) -> Response:
    """Show the webhooks, whether their messages arrive, and how to make one."""
    return _page(request, resources, principal, query)


@router.post("/webhooks")
def create(
    request: Request, form: Annotated[WebhookForm, Form()], principal: ReadingWriter, resources: Resources
) -> Response:
    """Create a webhook and show its secret above the others. No redirect: a page that can be loaded again
    must not hold it.
    """
    new = webhooks.create(resources, principal.owner, form)
    return _page(request, resources, principal, PageQuery(), new=new.secret)


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


def _page(
    request: Request,
    resources: AppResources,
    principal: Principal,
    query: PageQuery,
    new: str | None = None,
) -> Response:
    owner = principal.owner
    with resources.database.begin() as session:
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
        new=new,
        events=[*WebhookEvent],
        formats=_FORMATS,
        principal=principal,
        place="webhooks",
    )


def _back() -> Response:
    return RedirectResponse("/webhooks", status.HTTP_303_SEE_OTHER)


def _command(server: str) -> str:
    """Write the command that makes a webhook. It prints the secret, which no page shows."""
    return (
        f"PRUNESERVE_URL={shlex.quote(server)} "
        "pruneserve tools webhooks new https://hooks.example.org/pruneserve"
    )
