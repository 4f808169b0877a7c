"""`pruneserve admin keys`: create, list and revoke API keys."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated

import typer
from rich.table import Table

from cli.options.common import AsJson
from cli.options.connection import connected
from cli.options.ids import MOST_LOOKED_AT, argument, whole_id
from cli.options.job_option import finite
from cli.render.lists import plain_table, print_item, print_list, utc
from cli.terminal import clean, err, out
from pruneserve_client import Client
from pruneserve_client.models import KeyItem

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
@connected
def new(
    client: Client,
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
    as_json: AsJson = False,
) -> None:
    """Create a key and print it. It cannot be shown again."""
    given = {"name": name, "scopes": scope, "owner": owner, "expires_in_days": days}
    created = client.create_key({field: value for field, value in given.items() if value is not None})
    err.print(f"created; revoke it with: pruneserve admin keys revoke {created.id}")
    print_item(created, clean(created.key), as_json=as_json)


@app.command("list")
@connected
def list_keys(
    client: Client,
    everyone: Annotated[
        bool, typer.Option("--everyone", help="List the keys of every owner; needs an admin key.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the keys that are not revoked, newest first."""
    print_list(client.keys(everyone=everyone), _table, as_json=as_json)


@app.command()
@connected
def revoke(
    client: Client,
    key: Annotated[str, argument("key", final=True)],
    cascade: Annotated[
        bool,
        typer.Option(
            "--cascade", help="Also revoke the keys that it made, those that these made, and so on."
        ),
    ] = False,
) -> None:
    """Revoke a key: its next request is rejected."""
    newest = (one.id for one in islice(client.keys(), MOST_LOOKED_AT))
    client.revoke_key(whole_id(key, "key", newest), cascade=cascade)
    out.print("revoked")


def _table(keys: Iterable[KeyItem]) -> Table:
    table = plain_table("key", "owner", "name", "begins with", "scopes", "last used", "expires")
    for key in keys:
        table.add_row(
            str(key.id),
            clean(key.owner),
            clean(key.name),
            f"ps_{clean(key.prefix)}",
            clean(", ".join(key.scopes)),
            utc(key.last_used_at, "never"),
            utc(key.expires_at, "never"),
        )
    return table
