"""`pruneserve admin`: API keys, workers, queues, and owners' shares."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.filesize import decimal as size
from rich.table import Table

from cli.options.common import AsJson, command_group
from cli.options.connection import connected
from cli.options.ids import argument, find_id
from cli.options.values import finite
from cli.render.tables import ids, plain_table, print_item, print_list, utc
from cli.terminal import clean, err, out
from pruneserve_client import Client
from pruneserve_client.models import KeyItem, QueueItem, ShareItem, WorkerItem

workers = command_group("List, cordon and drain workers; needs an admin key.")
queues = command_group("List, pause and resume queues; needs an admin key.")

shares = command_group("Show and set owners' shares of the workers.")

WorkerName = Annotated[
    str, typer.Argument(metavar="WORKER", help="The worker's name, as the list has it.", show_default=False)
]
QueueName = Annotated[
    str, typer.Argument(metavar="QUEUE", help="The queue's name, as the list has it.", show_default=False)
]
Days = Annotated[int, typer.Option(min=1, max=366, help="Days of use to count, today (UTC) included.")]


@workers.command("list")
@connected
def list_workers(client: Client, as_json: AsJson = False) -> None:
    """List the workers: what each does, since when, and why one takes no jobs."""
    print_list(client.workers(), _table_of_workers, as_json=as_json)


@workers.command()
@connected
def cordon(client: Client, worker: WorkerName, as_json: AsJson = False) -> None:
    """Let a worker take no more jobs. One that it runs goes on."""
    _print_worker(client.cordon_worker(worker), as_json=as_json)


@workers.command()
@connected
def uncordon(client: Client, worker: WorkerName, as_json: AsJson = False) -> None:
    """Let a worker take jobs again, also one that is being drained."""
    _print_worker(client.uncordon_worker(worker), as_json=as_json)


@workers.command()
@connected
def drain(client: Client, worker: WorkerName, as_json: AsJson = False) -> None:
    """Let a worker finish its job, take no other, and end."""
    _print_worker(client.drain_worker(worker), as_json=as_json)


@queues.command("list")
@connected
def list_queues(client: Client, as_json: AsJson = False) -> None:
    """List the queues with their jobs and workers."""
    print_list(client.queues(), _table_of_queues, as_json=as_json)


@queues.command()
@connected
def pause(client: Client, queue: QueueName, as_json: AsJson = False) -> None:
    """Let no worker take a job of a queue. Jobs that run go on."""
    _print_queue(client.pause_queue(queue), as_json=as_json)


@queues.command()
@connected
def resume(client: Client, queue: QueueName, as_json: AsJson = False) -> None:
    """Let workers take the jobs of a queue again."""
    _print_queue(client.resume_queue(queue), as_json=as_json)


def _print_worker(worker: WorkerItem, *, as_json: bool) -> None:
    print_item(worker, clean(_state(worker)), as_json=as_json)


def _print_queue(queue: QueueItem, *, as_json: bool) -> None:
    print_item(queue, "paused" if queue.paused_at else "open", as_json=as_json)


def _table_of_workers(workers: Iterable[WorkerItem]) -> Table:
    """Return a row for each worker, in the order given. Times are UTC."""
    of_machine, of_job = ("queue", "device", "has", "sandbox"), ("state", "since", "job")
    table = plain_table("worker", *of_machine, *of_job, "last seen", "last fault")
    for worker in workers:
        table.add_row(
            clean(worker.name),
            clean(", ".join(worker.queues or [worker.queue])),
            clean(worker.device or ""),
            _has(worker),
            clean(_sandbox(worker.sandbox)),
            clean(_state(worker)),
            utc(worker.since),
            _job(worker),
            utc(worker.seen_at),
            clean(worker.fault or ""),
        )
    return table


def _job(worker: WorkerItem) -> str:
    job = worker.job
    return f"{job.id} ({clean(job.stage or 'starting')}, of {clean(job.owner)})" if job else ""


def _has(worker: WorkerItem) -> str:
    """Say what it has for a job: `2 x 80 GB GPU, 400 GB host, 2 TB disk`."""
    capacity = worker.capacity
    if capacity is None:
        return ""
    gpus = f"{capacity.gpus} x {size(capacity.device_bytes)} GPU, " if capacity.gpus else ""
    return f"{gpus}{size(capacity.host_bytes)} host, {size(capacity.scratch_bytes)} disk"


def _sandbox(layers: dict[str, bool] | None) -> str:
    """Say which layers of the sandbox do not hold."""
    lacking = [layer for layer, holds in (layers or {}).items() if not holds]
    return "" if layers is None else f"without {', '.join(lacking)}" if lacking else "whole"


def _state(worker: WorkerItem) -> str:
    return f"{worker.state}, draining" if worker.draining else worker.state


def _table_of_queues(queues: Iterable[QueueItem]) -> Table:
    """Return a row for each queue. Times are UTC."""
    table = plain_table("queue", "queued", "running", "workers", "paused since", "by")
    for queue in queues:
        counts = (str(count) for count in (queue.queued, queue.running, queue.workers))
        table.add_row(clean(queue.name), *counts, utc(queue.paused_at), clean(queue.paused_by or ""))
    return table


@shares.command("list")
@connected
def list_shares(client: Client, days: Days = 30, as_json: AsJson = False) -> None:
    """List your share, jobs and GPU seconds; with an admin key those of every owner."""
    print_list(client.shares(days=days), _table_of_shares, as_json=as_json)


@shares.command("set")
@connected
def set_share(
    client: Client,
    owner: Annotated[str, typer.Argument(help="The owner.", show_default=False)],
    weight: Annotated[
        float | None,
        typer.Option(callback=finite, help="By how much it counts when owners share the workers."),
    ] = None,
    max_running: Annotated[
        int | None, typer.Option(min=0, help="How many of its jobs may run at once.")
    ] = None,
    unlimited: Annotated[
        bool, typer.Option("--unlimited", help="Let any number of its jobs run at once, as at first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Change an owner's share; what is left out stays as it is. Needs an admin key."""
    if unlimited and max_running is not None:
        raise typer.BadParameter("goes with no --unlimited", param_hint="--max-running")
    named = {"weight": weight, "max_running": max_running}
    share: dict[str, float | None] = {name: value for name, value in named.items() if value is not None}
    if unlimited:
        share["max_running"] = None
    if not share:
        raise typer.BadParameter("name what to change: --weight, --max-running or --unlimited")
    changed = client.set_share(owner, share)
    print_item(changed, _table_of_shares([changed]), as_json=as_json)


def _table_of_shares(found: Iterable[ShareItem]) -> Table:
    table = plain_table("owner", "weight", "may run", "running", "queued", "GPU hours", "CPU hours")
    for share in found:
        table.add_row(
            clean(share.owner),
            f"{share.weight:g}",
            "any" if share.max_running is None else str(share.max_running),
            str(share.running),
            str(share.queued),
            f"{share.gpu_seconds / 3600:.2f}",
            f"{share.cpu_seconds / 3600:.2f}",
        )
    return table


keys = command_group("Create, list and revoke API keys.")


@keys.command()
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
            help="Days until the key expires. Default: 365.",
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


@keys.command("list")
@connected
def list_keys(
    client: Client,
    everyone: Annotated[
        bool, typer.Option("--everyone", help="List the keys of every owner; needs an admin key.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the keys that are not revoked, newest first."""
    print_list(client.keys(everyone=everyone), _table_of_keys, as_json=as_json)


@keys.command()
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
    client.revoke_key(find_id(key, "key", client.keys()), cascade=cascade)
    out.print("revoked")


def _table_of_keys(keys: Iterable[KeyItem]) -> Table:
    table = plain_table(ids("key"), "owner", "name", "begins with", "scopes", "last used", "expires")
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
