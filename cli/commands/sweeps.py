"""`pruneserve sweep`: several jobs by one request, and the search for the sparsest model within a bound."""

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from cli.client.client import Client, Unreachable
from cli.client.connection import KeyFile, Url, connect
from cli.client.models import Sweep
from cli.commands.follow import Patience, time_limit
from cli.options.job_options import pair, takes_a_job
from cli.options.waiting_options import AsJson, PatienceSeconds, Timeout
from cli.render.views import table_of_jobs
from cli.terminal import CommandFailed, Exit, clean, err, out, print_json

app = typer.Typer(
    help="Several jobs by one request, and the search for the sparsest model within a bound.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_POLL_SECONDS = 2.0

SweepId = Annotated[UUID, typer.Argument(metavar="SWEEP", help="The sweep's id.", show_default=False)]
Found = TypeVar("Found")


@app.command()
@takes_a_job
def submit(
    body: dict[str, Any],
    vary: Annotated[
        list[Any] | None,
        typer.Option(
            parser=pair,
            metavar="NAME=V1,V2,…",
            help="Values of sparsity, pattern or method; may be repeated: every combination is a job.",
        ),
    ] = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Submit one job for each combination of values, and print the sweep's id."""
    varied = {name: [_value(text) for text in values.split(",")] for name, values in vary or ()}
    if "method" in varied:
        del body["method"]
    with connect(url, key_file) as client:
        sweep = client.submit_sweep({"job": body, "vary": varied})
    err.print(f"{len(sweep.jobs)} jobs are queued; follow them with: pruneserve sweep wait {sweep.id}")
    out.print(str(sweep.id))


@app.command()
@takes_a_job
def search(  # noqa: PLR0913, PLR0917 - every option of the command line is one
    body: dict[str, Any],
    lowest: Annotated[float | None, typer.Option(help="The least sparsity that is worth having.")] = None,
    highest: Annotated[float | None, typer.Option(help="The most that is tried for.")] = None,
    tolerance: Annotated[float | None, typer.Option(help="How near to the best the answer lies.")] = None,
    timeout: Timeout = None,
    patience: PatienceSeconds = 120,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Find the sparsest model within --max-increase or --max-perplexity; 3 where none is."""
    bounds = {"lowest": lowest, "highest": highest, "tolerance": tolerance}
    target = body.pop("gate", {}) | {name: value for name, value in bounds.items() if value is not None}
    with connect(url, key_file) as client:
        sweep = client.submit_sweep({"job": body, "target": target})
        err.print(f"sweep {sweep.id}")
        _finish(client, sweep, timeout, patience, as_json=as_json)


@app.command()
def wait(
    sweep: SweepId,
    timeout: Timeout = None,
    patience: PatienceSeconds = 120,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Wait for the end of a sweep, and exit with what has become of it."""
    with connect(url, key_file) as client:
        _finish(client, client.sweep(sweep), timeout, patience, as_json=as_json)


@app.command()
def show(sweep: SweepId, as_json: AsJson = False, url: Url = None, key_file: KeyFile = None) -> None:
    """Show a sweep with its jobs; those of a search are its trace."""
    with connect(url, key_file) as client:
        _print(client.sweep(sweep), as_json=as_json)


@app.command()
def cancel(sweep: SweepId, url: Url = None, key_file: KeyFile = None) -> None:
    """Cancel whatever of a sweep has not ended."""
    with connect(url, key_file) as client:
        out.print(clean(client.cancel_sweep(sweep).state))


def _finish(client: Client, sweep: Sweep, timeout: float | None, patience: float, *, as_json: bool) -> None:
    left, told = Patience(patience), set[UUID]()
    with time_limit(timeout):
        while True:
            for job in sweep.jobs:
                if job.ended and job.id not in told:
                    told.add(job.id)
                    perplexity = job.perplexity.pruned if job.perplexity else None
                    err.print(f"{job.sparsity:g}  {clean(job.state)}  {perplexity or ''}")
            if sweep.state != "running":
                break
            time.sleep(_POLL_SECONDS)
            sweep = _patiently(left, partial(client.sweep, sweep.id)) or sweep
    _print(sweep, as_json=as_json)
    _end(sweep)


def _patiently(left: Patience, ask: Callable[[], Found]) -> Found | None:
    try:
        found = ask()
    except Unreachable as failure:
        left.spend(failure)
        return None
    left.renew()
    return found


def _end(sweep: Sweep) -> None:
    if sweep.state == "cancelled":
        raise CommandFailed("the sweep was cancelled", Exit.CANCELLED)
    if sweep.state == "failed":
        missed = all(job.state == "succeeded" for job in sweep.jobs)
        raise CommandFailed(sweep.error or "the sweep failed", Exit.GATE_MISSED if missed else Exit.FAILED)


def _print(sweep: Sweep, *, as_json: bool) -> None:
    if as_json:
        print_json(sweep.as_sent())
        return
    out.print(table_of_jobs(sweep.jobs))
    out.print(f"{clean(sweep.state)}{': ' * bool(sweep.error)}{clean(sweep.error or '')}")
    if sweep.search and sweep.search.best_job:
        out.print(f"the sparsest within the bound: {sweep.search.met:g}, job {sweep.search.best_job}")


def _value(text: str) -> Any:  # noqa: ANN401 - what the server makes of it is its business
    try:
        return json.loads(text)
    except ValueError:
        return text
