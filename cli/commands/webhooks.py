"""`pruneserve webhooks`: have the service tell another one when a job ends."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from cli.options.connection import connected
from cli.options.ids import MOST_LOOKED_AT, argument, whole_id
from cli.options.waiting_options import AsJson
from cli.render.lists import plain_table, print_list, utc
from cli.terminal import CommandFailed, Exit, clean, err, out, print_json
from pruneserve_client import Client
from pruneserve_client.models import DeliveryItem, WebhookItem

app = typer.Typer(
    help="Have the service tell another one when a job ends.", no_args_is_help=True, rich_markup_mode=None
)

WebhookId = Annotated[str, argument("webhook")]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        help="job.started, job.succeeded, job.failed, job.cancelled or job.gate_failed; may be repeated. "
        "Default: all.",
        show_default=False,
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format", help="standard (Standard Webhooks) or slack (Slack's messages).", show_default=False
    ),
]


@app.command()
@connected
def new(
    client: Client,
    address: Annotated[
        str,
        typer.Argument(metavar="ADDRESS", help="Where to send messages: an https URL.", show_default=False),
    ],
    event: Events = None,
    message_format: Format = None,
    as_json: AsJson = False,
) -> None:
    """Create a webhook and print the secret of its signatures. It cannot be shown again."""
    given = {"url": address, "events": event or None, "format": message_format}
    created = client.create_webhook({name: value for name, value in given.items() if value is not None})
    if as_json:
        print_json(created.as_sent())
        return
    err.print(f"created; try it with: pruneserve webhooks test {created.id}")
    out.print(clean(created.secret))


@app.command("list")
@connected
def list_webhooks(client: Client, as_json: AsJson = False) -> None:
    """List your webhooks, newest first."""
    print_list(client.webhooks(), _table, as_json=as_json)


@app.command()
@connected
def change(
    client: Client,
    webhook: WebhookId,
    address: Annotated[str | None, typer.Option(help="The new address.", show_default=False)] = None,
    event: Events = None,
    message_format: Format = None,
    enabled: Annotated[
        bool | None,
        typer.Option(
            "--enable/--disable",
            help="Whether messages are delivered. Those of the time in between are sent once it is enabled.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change where a webhook sends messages and of what, or stop and resume it."""
    given = {"url": address, "events": event, "format": message_format, "enabled": enabled}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise CommandFailed("give --address, --event, --format, --enable or --disable", Exit.USAGE)
    changed = client.change_webhook(_id(client, webhook), changes)
    if as_json:
        print_json(changed.as_sent())
    else:
        out.print(_table([changed]))


@app.command("rotate-secret")
@connected
def rotate_secret(client: Client, webhook: WebhookId, as_json: AsJson = False) -> None:
    """Give a webhook a new secret and print it. Messages carry signatures of both for a while."""
    created = client.rotate_webhook_secret(_id(client, webhook))
    if as_json:
        print_json(created.as_sent())
        return
    err.print(f"the old one is used as well until {utc(created.previous_secret_until)} UTC")
    out.print(clean(created.secret))


@app.command("test")
@connected
def send_test(client: Client, webhook: WebhookId, as_json: AsJson = False) -> None:
    """Send a test message."""
    _print_delivery(client.send_test_message(_id(client, webhook)), as_json=as_json)


@app.command()
@connected
def deliveries(
    client: Client,
    webhook: WebhookId,
    limit: Annotated[int, typer.Option(min=1, help="The number of messages, at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the messages to a webhook, newest first, and what became of them."""
    found = islice(client.webhook_deliveries(_id(client, webhook)), limit)
    print_list(found, _table_of_deliveries, as_json=as_json)


@app.command()
@connected
def replay(
    client: Client,
    webhook: WebhookId,
    delivery: Annotated[str, argument("message")],
    as_json: AsJson = False,
) -> None:
    """Send a message again."""
    webhook_id = _id(client, webhook)
    newest = (one.id for one in islice(client.webhook_deliveries(webhook_id), MOST_LOOKED_AT))
    replayed = client.replay_webhook_delivery(webhook_id, whole_id(delivery, "message", newest))
    _print_delivery(replayed, as_json=as_json)


@app.command()
@connected
def delete(client: Client, webhook: Annotated[str, argument("webhook", final=True)]) -> None:
    """Delete a webhook, with what was not yet delivered to it."""
    client.delete_webhook(_id(client, webhook))
    out.print("deleted")


def _id(client: Client, digits: str) -> UUID:
    return whole_id(digits, "webhook", (one.id for one in islice(client.webhooks(), MOST_LOOKED_AT)))


def _print_delivery(delivery: DeliveryItem, *, as_json: bool) -> None:
    if as_json:
        print_json(delivery.as_sent())
    else:
        out.print(_table_of_deliveries([delivery]))


def _table(webhooks: Iterable[WebhookItem]) -> Table:
    table = plain_table("webhook", "state", "failing since", "events", "format", "address")
    for webhook in webhooks:
        table.add_row(
            str(webhook.id),
            "enabled" if webhook.enabled else f"disabled: {clean(webhook.disabled_reason or '')}",
            utc(webhook.failing_since),
            clean(", ".join(webhook.events)),
            clean(webhook.format),
            clean(webhook.url),
        )
    return table


def _table_of_deliveries(deliveries: Iterable[DeliveryItem]) -> Table:
    table = plain_table(
        "message", "event", "state", "attempts", "last attempt", "next attempt", "last answer"
    )
    for one in deliveries:
        table.add_row(
            str(one.id),
            clean(one.event),
            clean(one.state),
            str(one.attempts),
            utc(one.last_attempt_at),
            utc(one.next_attempt_at),
            " ".join(filter(None, (str(one.last_status or ""), clean(one.last_error or "")))),
        )
    return table
