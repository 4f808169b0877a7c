"""The commands for jobs that are there: `jobs`, `show`, `logs`, `cancel`, …; `tools methods`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from cli.options.common import AsJson
from cli.options.connection import connected
from cli.options.ids import IrreversibleJobId, JobId, find_job, other_owners_job_id
from cli.render.tables import plain_table, print_item, print_list
from cli.render.views import EventPrinter, print_job, table_of_jobs
from cli.terminal import clean, out, print_json
from pruneserve_client import Client
from pruneserve_client.models import Event, JobDetail, MethodItem

_Owner = Annotated[
    str | None,
    typer.Option(help="Whose job it is; another owner's needs an admin key.", show_default=False),
]


@connected
def jobs(  # noqa: PLR0913, PLR0917 - every option of the command line is one
    client: Client,
    state: Annotated[
        list[str] | None,
        typer.Option(help="queued, running, cancelling, succeeded, failed or cancelled; may be repeated."),
    ] = None,
    method: Annotated[str | None, typer.Option(help="Only jobs with this method.")] = None,
    model: Annotated[str | None, typer.Option(help="Only jobs for this model.")] = None,
    search: Annotated[str | None, typer.Option(help="Only jobs whose model's name contains this.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only jobs that were submitted then or later, in local time.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Only jobs that were submitted before, in local time.")
    ] = None,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="The oldest jobs first.")] = False,
    gate: Annotated[
        str | None, typer.Option(help="Only jobs whose gate is passed, failed or inconclusive.")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Only jobs with this label; may be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The number of jobs, at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    found = client.jobs(
        state=state or (),
        method=method,
        model=model,
        search=search,
        gate=gate,
        label=label or (),
        since=since and since.astimezone(),
        until=until and until.astimezone(),
        order="oldest" if oldest_first else None,
        limit=limit,
    )
    print_list(found, table_of_jobs, as_json=as_json)


@connected
def show(client: Client, job: JobId, as_json: AsJson = False) -> None:
    """Show a job: its state, its figures and what it took."""
    shown = client.job(find_job(client, job))
    if as_json:
        print_json(shown.as_sent())
    else:
        print_job(out, shown, client.url)


@connected
def logs(
    client: Client,
    job: JobId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended; Ctrl-C ends it earlier.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON.")] = False,
) -> None:
    """Print a job's events: states, stages, progress, messages."""
    _print_log(client, find_job(client, job), follow=follow, as_json=as_json)


def _print_log(client: Client, job_id: UUID, *, follow: bool, as_json: bool) -> None:
    """Print the events so far; with `follow` also those that come, until the job has ended."""
    view = EventPrinter(out)
    for event in client.follow(job_id) if follow else client.events(job_id):
        if not isinstance(event, Event):  # the job, with which `follow` ends
            break
        if as_json:
            print_json(event.as_sent(), indent=None)
        else:
            view.show(event)


@connected
def cancel(
    client: Client,
    job: IrreversibleJobId,
    owner: _Owner = None,
    as_json: AsJson = False,
) -> None:
    """Cancel a job: at once if it is queued, within 10 s if it runs."""
    found = find_job(client, job) if owner is None else other_owners_job_id(job)
    _print_state(client.cancel(found, owner=owner), as_json=as_json)


@connected
def retry(client: Client, job: JobId, as_json: AsJson = False) -> None:
    """Queue a failed or cancelled job again.

    It resumes after its last finished block.
    """
    _print_state(client.retry(find_job(client, job)), as_json=as_json)


@connected
def delete(client: Client, job: IrreversibleJobId) -> None:
    """Delete a job that has ended, with its files and gradients."""
    client.delete(find_job(client, job))
    out.print("deleted")


def _print_state(job: JobDetail, *, as_json: bool) -> None:
    print_item(job, clean(job.state), as_json=as_json)


@connected
def methods(client: Client, as_json: AsJson = False) -> None:
    """List the methods with their formulas and options."""
    print_list(client.methods(), _table_of_methods, as_json=as_json)


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
