"""`pruneserve workers`: which workers there are, what they do, and why one takes no jobs."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.table import Table

from cli.terminal import clean
from pruneserve_client.models import WorkerItem


def table_of_workers(workers: Iterable[WorkerItem]) -> Table:
    """Return a row for each worker, in the order given. Times are UTC."""
    headings = ("worker", "queue", "device", "state", "since", "job", "last seen", "last fault")
    table = Table(*headings, box=None, pad_edge=False)
    for worker in workers:
        table.add_row(
            clean(worker.name),
            clean(worker.queue),
            clean(worker.device or ""),
            clean(worker.state),
            _time(worker.since) if worker.since else "",
            f"{worker.job.id} ({clean(worker.job.stage or 'starting')})" if worker.job else "",
            _time(worker.seen_at),
            clean(worker.fault or ""),
        )
    return table


def _time(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
