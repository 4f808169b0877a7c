"""`pruneserve workers`: which workers there are, and why one takes no jobs."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.table import Table

from cli.terminal import clean
from pruneserve_client.models import WorkerItem


def table_of_workers(workers: Iterable[WorkerItem]) -> Table:
    """Return a row for each worker, in the order given. Times are UTC."""
    table = Table("worker", "queue", "last seen", "takes jobs", "fault", box=None, pad_edge=False)
    for worker in workers:
        since = worker.quarantined_at
        table.add_row(
            clean(worker.name),
            clean(worker.queue),
            _time(worker.seen_at),
            "yes" if since is None else f"not since {_time(since)}",
            clean(worker.fault or ""),
        )
    return table


def _time(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
