"""The command `pruneserve`: a whole service on this machine, and a client of any."""

from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID, uuid4

import typer
from typer.core import TyperGroup

from cli.answers import Job
from cli.client import Refused, Unreachable
from cli.connection import connect
from cli.data_directory import DataDirectory, default_data_directory
from cli.downloads import download_all
from cli.follow import TimedOut, follow, time_limit
from cli.request import request_body
from cli.terminal import CommandFailed, Exit, clean, err, out
from cli.views import print_job, table_of_jobs, view_for

_EXIT_CODES = (
    "Exit codes: 0 done, 1 the job failed or `up` could not start, 2 bad usage or a refused request, "
    "4 the job was cancelled, 5 timeout, 6 the server cannot be reached."
)
_BY_STATE = {"succeeded": Exit.OK, "failed": Exit.FAILED, "cancelled": Exit.CANCELLED}


class _Commands(TyperGroup):
    """The one place where an error becomes a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - click's own types
        try:
            return super().invoke(ctx)
        except CommandFailed as error:
            _end(error, error.code)
        except Refused as error:
            _end(error, Exit.USAGE)
        except Unreachable as error:
            _end(error, Exit.UNREACHABLE)
        except TimedOut:
            _end("the time is over; the job goes on", Exit.TIMEOUT)


def _end(message: object, code: Exit) -> NoReturn:
    err.print(f"error: {clean(message)}")
    raise typer.Exit(code)


app = typer.Typer(
    cls=_Commands,
    help="Prune large language models: a service on this machine, and a client of any.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

JobId = Annotated[UUID, typer.Argument(metavar="JOB", help="The job's id.", show_default=False)]
Url = Annotated[
    str | None,
    typer.Option(
        envvar="PRUNESERVE_URL",
        help="The server's address. Default: the one that `pruneserve up` has started here.",
        show_default=False,
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        help="A file that holds the API key. Default: the variable PRUNESERVE_API_KEY, "
        "else, for the server that `pruneserve up` has started here, its first key.",
        show_default=False,
    ),
]


@app.command()
def up(
    data: Annotated[
        Path, typer.Option(help="Where everything is kept.", show_default="~/.local/share/pruneserve")
    ] = default_data_directory(),  # noqa: B008 - read once per command
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the API and the page.")] = 8642,
    root: Annotated[
        list[Path] | None,
        typer.Option(
            help="A directory under which jobs may name local models and text files; "
            "may be repeated. `models` in the data directory is always one.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start a whole service on this machine, reachable from this machine only; Ctrl-C stops it."""
    from cli.embedded.up import run

    run(DataDirectory(data.absolute()), port=port, roots=root or [])


@app.command()
def submit(  # noqa: PLR0913, PLR0917 - every option of the command line is one
    model: Annotated[
        str | None, typer.Option(help="A Hugging Face id, or a path under one of the server's roots.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="A branch, tag or commit of the model.")] = None,
    method: Annotated[str | None, typer.Option(help="gblm, wanda, magnitude, …")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", "-o", metavar="NAME=VALUE", help="An option of the method; may be repeated."
        ),
    ] = None,
    sparsity: Annotated[float | None, typer.Option(help="The share of zeros, such as 0.5.")] = None,
    pattern: Annotated[str | None, typer.Option(help="unstructured, or N:M such as 2:4.")] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Prune only layers so named; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Leave layers so named; may be repeated.")
    ] = None,
    calibration: Annotated[
        str | None, typer.Option(metavar="DATASET", help="c4, wikitext2, builtin, or a file's path.")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Calibration windows.")] = None,
    sequence_length: Annotated[
        int | None, typer.Option(help="Tokens per window, of the calibration and of the evaluation.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the calibration's draws.")] = None,
    evaluation: Annotated[
        str | None, typer.Option(metavar="DATASET", help="What the perplexity is measured on.")
    ] = None,
    windows: Annotated[int | None, typer.Option(help="Evaluation windows; all unless given.")] = None,
    dtype: Annotated[str | None, typer.Option(help="The precision of the computation.")] = None,
    save_masks: Annotated[
        bool | None, typer.Option("--save-masks", help="Also keep the masks.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", help="A job as JSON, - for the standard input; the options win over it."
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Sent twice under one key, a job is made once.")
    ] = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Submit a job and print its id. What is not given has the paper's value."""
    fields = {
        "model.id": model,
        "model.revision": revision,
        "sparsity": sparsity,
        "pattern": pattern,
        "layers.include": include,
        "layers.exclude": exclude,
        "calibration.dataset": calibration,
        "calibration.samples": samples,
        "calibration.sequence_length": sequence_length,
        "calibration.seed": seed,
        "evaluation.dataset": evaluation,
        "evaluation.windows": windows,
        "evaluation.sequence_length": sequence_length,
        "dtype": dtype,
        "save_masks": save_masks,
    }
    body = request_body(file, fields, method, option or [])
    with connect(url, key_file) as client:
        job = client.submit(body, idempotency_key=idempotency_key or str(uuid4()))
    err.print(f"queued; follow it with: pruneserve wait {job.id}")
    out.print(str(job.id))


@app.command()
def wait(
    job: JobId,
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds after which to stop waiting; the job goes on.")
    ] = None,
    patience: Annotated[
        float,
        typer.Option(min=0, help="Seconds that the server may be out of reach, to restart for example."),
    ] = 120,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Follow a job to its end. Exits with 0 only if it has succeeded."""
    ended: Job | None = None
    with connect(url, key_file) as client, time_limit(timeout), view_for(out) as view:
        for news in follow(client, job, patience=patience):
            if isinstance(news, Job):
                ended = news
            else:
                view.show(news)
    if ended is None:
        raise Unreachable("the job's end was not seen")
    out.print()
    print_job(out, ended)
    raise typer.Exit(_BY_STATE[ended.state])


@app.command()
def jobs(
    state: Annotated[
        list[str] | None,
        typer.Option(help="queued, running, cancelling, succeeded, failed or cancelled; may be repeated."),
    ] = None,
    method: Annotated[str | None, typer.Option(help="Only jobs of this method.")] = None,
    model: Annotated[str | None, typer.Option(help="Only jobs on this model.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """List jobs, newest first."""
    with connect(url, key_file) as client:
        out.print(table_of_jobs(client.jobs(limit=limit, state=state, method=method, model=model)))


@app.command()
def show(
    job: JobId,
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything that the server says, as JSON.")
    ] = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Show a job: where it stands, what it cost, what it did to the model."""
    with connect(url, key_file) as client:
        if as_json:
            # JSON escapes control characters by itself, and a program may want every byte.
            typer.echo(client.job_document(job))
        else:
            print_job(out, client.job(job))


@app.command()
def cancel(job: JobId, url: Url = None, key_file: KeyFile = None) -> None:
    """Cancel a job: at once if it is queued, after its current block if it runs."""
    with connect(url, key_file) as client:
        out.print(clean(client.cancel(job).state))


@app.command()
def download(
    job: JobId,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where to put the files.", show_default="a directory named as the job"
        ),
    ] = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Download the pruned model of a job that has succeeded."""
    with connect(url, key_file) as client:
        download_all(client, job, output or Path(str(job)))


if __name__ == "__main__":
    app()
