"""`pruneserve keys`: make, list and revoke API keys."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from cli.client.connection import KeyFile, Url, connect
from cli.client.models import Key
from cli.terminal import clean, err, out

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def new(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="jobs:read, jobs:write or admin; may be repeated. Default: to read and write.",
            show_default=False,
        ),
    ] = None,
    owner: Annotated[
        str | None, typer.Option(help="Whose key; another's only with an admin's key.", show_default=False)
    ] = None,
    days: Annotated[
        float | None, typer.Option(help="After which it runs out; never unless given.", show_default=False)
    ] = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Make a key and print it. It cannot be read again."""
    wanted = {"name": name, "scopes": scope, "owner": owner, "expires_in_days": days}
    with connect(url, key_file) as client:
        made = client.make_key({field: value for field, value in wanted.items() if value is not None})
    err.print(f"made; end it with: pruneserve keys revoke {made.id}")
    out.print(clean(made.key))


@app.command("list")
def list_keys(
    everyone: Annotated[bool, typer.Option("--everyone", help="Of every owner; for admins.")] = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """List the keys that are not revoked, newest first."""
    with connect(url, key_file) as client:
        out.print(_table(client.keys(everyone=everyone)))


@app.command()
def revoke(
    key: Annotated[UUID, typer.Argument(metavar="KEY", help="The key's id.", show_default=False)],
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """End a key, from its next request on."""
    with connect(url, key_file) as client:
        client.revoke_key(key)
    out.print("revoked")


def _table(keys: Iterable[Key]) -> Table:
    table = Table(
        "key", "owner", "name", "begins with", "scopes", "last use", "ends", box=None, pad_edge=False
    )
    for key in keys:
        table.add_row(
            str(key.id),
            clean(key.owner),
            clean(key.name),
            f"ps_{clean(key.prefix)}",
            clean(", ".join(key.scopes)),
            _moment(key.last_used_at),
            _moment(key.expires_at),
        )
    return table


def _moment(value: datetime | None) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}" if value else "never"
