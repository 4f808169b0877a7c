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
        ("gradient norms", used.gradient_bytes),
        ("finished blocks", used.unfinished_bytes),
        ("caches", used.cache_bytes),
        ("uploaded texts", used.upload_bytes),
        ("together", used.total_bytes),
        ("quota of uploads and norms", used.quota_bytes),
    ):
        table.add_row(name, size(count))
    return table
