"""The commands about a server: `storage`, `methods`, and `me` for whose key it is asked with."""

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from cli.options.connection import connected
from cli.options.waiting_options import AsJson
from cli.render.lists import plain_table, print_list, utc
from cli.render.storage import table_of_storage
from cli.terminal import clean, out, print_json
from pruneserve_client import Client
from pruneserve_client.models import Me, MethodItem


@connected
def storage(client: Client, as_json: AsJson = False) -> None:
    """Show what your jobs and uploads take in the store."""
    used = client.storage()
    if as_json:
        print_json(used.as_sent())
    else:
        out.print(table_of_storage(used))


@connected
def methods(client: Client, as_json: AsJson = False) -> None:
    """List the pruning methods with their formulas and options."""
    print_list(client.methods(), _table_of_methods, as_json=as_json)


@connected
def me(client: Client, as_json: AsJson = False) -> None:
    """Show which server and whose key the commands use, and what the key may do."""
    principal = client.me()
    if as_json:
        print_json(principal.as_sent())
    else:
        _print_me(client.url, principal)


def _table_of_methods(methods: Iterable[MethodItem]) -> Table:
    """Return a row for each method, with what `--option` takes."""
    table = plain_table("method", "options", "formula")
    for method in methods:
        table.add_row(clean(method.name), clean(_options(method.options)), clean(method.formula))
    return table


def _options(schema: dict[str, Any]) -> str:
    """Return the options of a method with their defaults: `norm=l1 alpha=100.0`."""
    properties = schema.get("properties", {})
    return " ".join(f"{name}={field.get('default')}" for name, field in properties.items() if name != "name")


def _print_me(server: str, me: Me) -> None:
    """Print which server answered, and whose key it was asked with."""
    table = Table.grid(padding=(0, 2))
    table.add_row("server", clean(server))
    table.add_row("owner", clean(me.owner))
    table.add_row("key", str(me.key_id))
    table.add_row("scopes", clean(", ".join(me.scopes)))
    table.add_row("expires", utc(me.expires_at, "never"))
    out.print(table)
