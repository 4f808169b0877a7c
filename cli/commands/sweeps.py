"""`pruneserve sweep`: submit several jobs at once, or search for the sparsest model within a bound."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from rich.filesize import decimal as size_text
from rich.table import Table

from cli.commands.run import TimedOut, retried, time_limit
from cli.options.common import PATIENCE_SECONDS, AsJson, Timeout, command_group
from cli.options.connection import connected
from cli.options.ids import argument, find_id
from cli.options.job_options import JOB_OPTIONS, with_job_options
from cli.options.request import DEFAULT_METHOD, upload_texts
from cli.options.values import JobOption, json_or_text, pair, share, size
from cli.render.methods import method_summary
from cli.render.tables import ids, plain_table, print_item, print_list, utc
from cli.render.views import change, table_of_jobs
from cli.terminal import CommandFailed, Exit, PipeClosed, clean, err, out, print_json
from pruneserve_client import Client
from pruneserve_client.models import FoundFile, JobSummary, StructureOptions, SweepDetail, SweepItem

app = command_group("Submit several jobs at once, or search within a bound.")

SweepId = Annotated[str, argument("sweep")]


@app.command()
@connected
@with_job_options
def submit(
    client: Client,
    body: dict[str, Any],
    vary: Annotated[
        list[Any] | None,
        typer.Option(
            parser=pair,
            metavar="NAME=V1,V2,…",
            help="Values of sparsity (0.5 or 50%), pattern, method or structure; may be repeated. Every "
            "combination is a job. A structure is a JSON object, and null stands for none.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit one job for every combination of values, and print the sweep's id."""
    varied = _varied(vary or ())
    upload_texts(body, client.upload)
    if "structure" in varied:
        _without_idle_method(body, body | varied)
    if "method" in varied:
        body.pop("method", None)
    sweep = retried(_submission(client, {"job": body, "vary": varied}))
    err.print(f"{len(sweep.jobs)} jobs queued; follow them with: pruneserve sweep wait {sweep.id}")
    print_item(sweep, str(sweep.id), as_json=as_json)


_BOUND = JobOption(
    "max-increase",
    "gate.max_perplexity_increase",
    "share",
    "Bound: the perplexity over the dense one, such as 5%.",
    "SHARE",
)
# Its bound is on the perplexity of the whole text, or on a size.
_OF_A_SEARCH = [
    _BOUND if option.name == _BOUND.name else option
    for option in JOB_OPTIONS
    if option.name not in ("max-kl", "baseline")
]

_BOUNDS = ("max_perplexity", "max_perplexity_increase", "max_bytes")


@app.command()
@connected
@partial(with_job_options, offered=_OF_A_SEARCH)
def search(
    client: Client,
    body: dict[str, Any],
    max_bytes: Annotated[
        int | None,
        typer.Option(
            parser=size, metavar="SIZE", help="With --format: find the best file of at most this size."
        ),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="With --max-bytes: gguf, for the best exported file, without pruning or as the job prunes.",
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            parser=share, metavar="SHARE", help="Distance from the best sparsity, at most (default 2%)."
        ),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(help="With a bound on perplexity: search over sparsity (default) or structure."),
    ] = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Find the sparsest or smallest model within --max-increase, or the best file within --max-bytes.

    Exits with 3 if there is none.
    """
    if over == "structure" or max_bytes:
        _without_idle_method(body, body)
    if format_name and "structure" not in body:
        body.setdefault("method", {"name": "none"})
    gate = body.pop("gate", None) or {}
    if not isinstance(gate, dict):
        raise CommandFailed(f"the recipe's gate must be an object, not {clean(str(gate))}", Exit.USAGE)
    target = gate | _given(max_bytes=max_bytes, format=format_name, tolerance=tolerance, over=over)
    if sum(target.get(name) is not None for name in _BOUNDS) != 1:
        raise CommandFailed("give one bound: --max-increase or --max-bytes", Exit.USAGE)
    sweep: SweepDetail | None = None
    try:
        with time_limit(timeout, "search"):
            upload_texts(body, lambda file: retried(partial(client.upload, file), timeout))
            sweep = retried(_submission(client, {"job": body, "target": target}), timeout)
            err.print(f"sweep {sweep.id}, {client.url}/sweeps/{sweep.id}")
            ended = _watch(client.follow_sweep(sweep.id, patience=PATIENCE_SECONDS))
    except TimedOut:
        if sweep is not None:
            raise
        problem = "timed out; whether the search was submitted is not known, see `pruneserve sweep list`"
        raise CommandFailed(problem, Exit.TIMEOUT) from None
    _exit(ended, as_json=as_json)


def _submission(client: Client, request: dict[str, Any]) -> Callable[..., SweepDetail]:
    """Return what sends a request for a sweep; however often it is called, there is one sweep."""
    return partial(client.submit_sweep, request, idempotency_key=str(uuid4()))


def _given(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - options of every type
    return {name: value for name, value in values.items() if value is not None}


@app.command("list")
@connected
def list_sweeps(
    client: Client,
    limit: Annotated[int, typer.Option(min=1, help="The number of sweeps, at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List your sweeps, newest first."""
    print_list(islice(client.sweeps(), limit), _table, as_json=as_json)


@app.command()
@connected
def wait(
    client: Client,
    sweep: SweepId,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Wait for the end of a sweep, and exit with a code for its outcome."""
    with time_limit(timeout, "sweep"):
        ended = _watch(client.follow_sweep(_id(client, sweep), patience=PATIENCE_SECONDS))
    _exit(ended, as_json=as_json)


@app.command()
@connected
def show(client: Client, sweep: SweepId, as_json: AsJson = False) -> None:
    """Show a sweep with its jobs; the jobs of a search are its steps."""
    _print(client.sweep(_id(client, sweep)), as_json=as_json)


@app.command()
@connected
def cancel(
    client: Client, sweep: Annotated[str, argument("sweep", final=True)], as_json: AsJson = False
) -> None:
    """Cancel every job of a sweep that has not ended."""
    cancelled = client.cancel_sweep(_id(client, sweep))
    print_item(cancelled, clean(cancelled.state), as_json=as_json)


def _id(client: Client, digits: str) -> UUID:
    return find_id(digits, "sweep", client.sweeps())


def _table(sweeps: Iterable[SweepItem]) -> Table:
    table = plain_table(ids("sweep"), "state", "submitted", "answer", "model")
    for sweep in sweeps:
        model = sweep.request.job.get("model", "")
        table.add_row(
            str(sweep.id),
            clean(sweep.state),
            utc(sweep.created_at),
            f"{sweep.search.met:g}" if sweep.search and sweep.search.met is not None else "",
            clean(model.get("id", "") if isinstance(model, dict) else model),
        )
    return table


def _varied(given: Iterable[tuple[str, str]]) -> dict[str, list[Any]]:
    """Return the values of each field. A JSON object is one value; other values are separated by commas."""
    varied: dict[str, list[Any]] = {}
    for name, text in given:
        whole = json_or_text(text)
        values = [whole] if isinstance(whole, dict) else [_value(name, part) for part in text.split(",")]
        varied.setdefault(name, []).extend(values)
    return varied


def _value(name: str, text: str) -> Any:  # noqa: ANN401 - any JSON
    return share(text) if name == "sparsity" else json_or_text(text)


def _without_idle_method(body: dict[str, Any], given: dict[str, Any]) -> None:
    """Drop the default method of a job without sparsity and pattern: such jobs only remove units.

    Raises CommandFailed for another method, which would mask nothing.
    """
    if not {"sparsity", "pattern"} & given.keys():
        method = body.pop("method", None)
        if method not in (None, *({"name": name} for name in (DEFAULT_METHOD, "none"))):
            raise CommandFailed("the method would mask nothing: give --sparsity or --pattern", Exit.USAGE)


def _watch(states: Iterable[SweepDetail]) -> SweepDetail:
    """Print each job of a sweep as it ends, and return the sweep as it ended."""
    shown = set[UUID]()
    for sweep in states:
        for job in sweep.jobs:
            if job.ended and job.id not in shown:
                shown.add(job.id)
                err.print(_line(job, sweep.structures.get(str(job.id))))
    return sweep


def _line(job: JobSummary, structure: StructureOptions | None) -> str:
    done = change(job.perplexity) if job.perplexity else ""
    return f"{clean(method_summary(job, structure))}  {clean(job.state)}  {done}"


def _exit(sweep: SweepDetail, *, as_json: bool) -> None:
    with suppress(PipeClosed):  # the outcome is the same
        _print(sweep, as_json=as_json)
    if sweep.state == "cancelled":
        raise CommandFailed("the sweep was cancelled", Exit.CANCELLED)
    if sweep.state == "failed":
        target = sweep.request.target
        # A search for a file needs no more than one of its jobs; any other needs all.
        missed = (any if target and target.format else all)(job.state == "succeeded" for job in sweep.jobs)
        raise CommandFailed(sweep.error or "the sweep failed", Exit.GATE_MISSED if missed else Exit.FAILED)


def _print(sweep: SweepDetail, *, as_json: bool) -> None:
    if as_json:
        print_json(sweep.as_sent())
        return
    out.print(table_of_jobs(sweep.jobs, sweep.structures))
    out.print(f"{clean(sweep.state)}{': ' * bool(sweep.error)}{clean(sweep.error or '')}")
    search = sweep.search
    if search and search.files:
        out.print(_table_of_files(search.files))
    if search and search.best_job:
        best = "best" if search.met is None else f"farthest within the bound: {search.met:g}"
        file = f" file, {clean(search.best_file)}" if search.best_file else ""
        out.print(f"the {best}{file}, job {search.best_job}")


def _table_of_files(files: Iterable[FoundFile]) -> Table:
    """Return a row for each file; the front is of size and KL."""
    table = plain_table("file", "size", "KL", "perplexity", "front", ids("job"))
    for file in files:
        table.add_row(
            clean(file.name),
            size_text(file.bytes),
            f"{file.kl:.4f}",
            f"{file.perplexity:.2f}",
            "yes" if file.on_front else "",
            str(file.job_id),
        )
    return table
