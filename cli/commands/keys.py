"""`pruneserve keys`: create, list and revoke API keys."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from cli.options.connection import KeyFile, Url, connect
from cli.options.job_option import finite
from cli.terminal import clean, err, out
from pruneserve_client.models import KeyItem

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def new(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="jobs:read, jobs:write or admin; may be repeated. Default: jobs:read and jobs:write.",
            show_default=False,
        ),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(help="The owner; another than your own needs an admin key.", show_default=False),
    ] = None,
    days: Annotated[
        float | None,
        typer.Option(
            callback=finite,
            help="Days until the key expires. Default: what the server has set.",
            show_default=False,
        ),
    ] = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Create a key and print it. It cannot be shown again."""
    given = {"name": name, "scopes": scope, "owner": owner, "expires_in_days": days}
    with connect(url, key_file) as client:
        created = client.create_key({field: value for field, value in given.items() if value is not None})
    err.print(f"created; revoke it with: pruneserve keys revoke {created.id}")
    out.print(clean(created.key))


@app.command("list")
def list_keys(
    everyone: Annotated[
        bool, typer.Option("--everyone", help="List the keys of every owner; needs an admin key.")
    ] = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """List the keys that are not revoked, newest first."""
    with connect(url, key_file) as client:
        out.print(_table(client.keys(everyone=everyone)))


@app.command()
def revoke(
    key: Annotated[UUID, typer.Argument(metavar="KEY", help="The key's id.", show_default=False)],
    cascade: Annotated[
        bool,
        typer.Option(
            "--cascade", help="Also revoke the keys that it made, those that these made, and so on."
        ),
    ] = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Revoke a key: its next request is rejected."""
    with connect(url, key_file) as client:
        client.revoke_key(key, cascade=cascade)
    out.print("revoked")


def _table(keys: Iterable[KeyItem]) -> Table:
    table = Table(
        "key", "owner", "name", "begins with", "scopes", "last used", "expires", box=None, pad_edge=False
    )
    for key in keys:
        table.add_row(
            str(key.id),
            clean(key.owner),
            clean(key.name),
            f"ps_{clean(key.prefix)}",
            clean(", ".join(key.scopes)),
            _time(key.last_used_at),
            _time(key.expires_at),
        )
    return table


def _time(value: datetime | None) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}" if value else "never"
