"""`pruneserve tools webhooks`: messages to another service when a job ends."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from cli.options.common import AsJson, command_group
from cli.options.connection import connected
from cli.options.ids import argument, find_id
from cli.render.tables import ids, plain_table, print_item, print_list, utc
from cli.terminal import clean, err, out
from pruneserve_client import Client
from pruneserve_client.models import DeliveryItem, WebhookItem

app = command_group("Send messages to another service when a job ends.")

WebhookId = Annotated[str, argument("webhook")]


@app.command()
@connected
def new(
    client: Client,
    address: Annotated[
        str,
        typer.Argument(metavar="ADDRESS", help="Where to send messages: an https URL.", show_default=False),
    ],
    event: Annotated[
        list[str] | None,
        typer.Option(help="An event such as job.failed; may be repeated. Default: all.", show_default=False),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help="standard (Standard Webhooks) or slack.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a webhook and print the secret of its signatures. It cannot be shown again."""
    given = {"url": address, "events": event or None, "format": format_name}
    created = client.create_webhook({name: value for name, value in given.items() if value is not None})
    err.print(f"created; try it with: pruneserve tools webhooks test {created.id}")
    print_item(created, clean(created.secret), as_json=as_json)


@app.command("list")
@connected
def list_webhooks(client: Client, as_json: AsJson = False) -> None:
    """List your webhooks, newest first."""
    print_list(client.webhooks(), _table, as_json=as_json)


@app.command()
@connected
def enable(client: Client, webhook: WebhookId, as_json: AsJson = False) -> None:
    """Deliver to a webhook again that was disabled. What has happened since is not sent."""
    enabled = client.change_webhook(_id(client, webhook), {"enabled": True})
    print_item(enabled, _table([enabled]), as_json=as_json)


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
    delivery_id = find_id(delivery, "message", client.webhook_deliveries(webhook_id))
    replayed = client.replay_webhook_delivery(webhook_id, delivery_id)
    _print_delivery(replayed, as_json=as_json)


@app.command()
@connected
def delete(client: Client, webhook: Annotated[str, argument("webhook", final=True)]) -> None:
    """Delete a webhook, with what was not yet delivered to it."""
    client.delete_webhook(_id(client, webhook))
    out.print("deleted")


def _id(client: Client, digits: str) -> UUID:
    return find_id(digits, "webhook", client.webhooks())


def _print_delivery(delivery: DeliveryItem, *, as_json: bool) -> None:
    print_item(delivery, _table_of_deliveries([delivery]), as_json=as_json)


def _table(webhooks: Iterable[WebhookItem]) -> Table:
    table = plain_table(ids("webhook"), "state", "failing since", "events", "format", "address")
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
        ids("message"), "event", "state", "attempts", "last attempt", "next attempt", "last answer"
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
