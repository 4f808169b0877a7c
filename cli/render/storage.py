"""Show what an owner has in the store."""

from rich.table import Table

from cli.render.lists import plain_table
from cli.terminal import size
from pruneserve_client.models import StorageUse


def table_of_storage(used: StorageUse) -> Table:
    """Return a row for each kind of file, and their sum."""
    table = plain_table("files", "size")
    for name, count in (
        ("results", used.artifact_bytes),
        (f"gradient norms (of {size(used.gradient_quota_bytes)})", used.gradient_bytes),
        ("finished blocks", used.unfinished_bytes),
        ("caches", used.cache_bytes),
        (f"uploaded texts (of {size(used.upload_quota_bytes)})", used.upload_bytes),
        ("together", used.total_bytes),
    ):
        table.add_row(name, size(count))
    return table
