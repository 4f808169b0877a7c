"""The command `pruneserve`: a whole service on this machine, and a client of any."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NoReturn
from uuid import UUID, uuid4

import typer
from typer.core import TyperGroup

from cli.client.client import Refused, Unreachable
from cli.client.connection import KeyFile, Url, connect
from cli.client.data_directory import DataDirectory, default_data_directory
from cli.commands import keys, sweeps
from cli.commands.downloads import download_all, source
from cli.commands.follow import TimedOut, time_limit
from cli.commands.publish import publish
from cli.commands.run import Run, Terms, watch
from cli.options import ci
from cli.options.job_options import takes_a_job
from cli.options.waiting_options import AsJson, PatienceSeconds, Timeout
from cli.render.estimates import print_estimate
from cli.render.junit import write as write_junit
from cli.render.outcome import Ending
from cli.render.summary import write as write_summary
from cli.render.views import print_job, table_of_jobs
from cli.terminal import CommandFailed, Exit, clean, err, out, print_json

_EXIT_CODES = (
    "Exit codes: 0 done, 1 the job failed or `up` could not start, 2 bad usage or a refused request, "
    "3 the job missed its gate, 4 it was cancelled, 5 timeout, 6 the server cannot be reached, "
    "130 interrupted."
)
_INTERRUPTED = 130


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
        except KeyboardInterrupt:
            _end("interrupted", _INTERRUPTED)


def _end(message: object, code: int) -> NoReturn:
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

app.add_typer(keys.app, name="keys")
app.add_typer(sweeps.app, name="sweep")

JobId = Annotated[UUID, typer.Argument(metavar="JOB", help="The job's id.", show_default=False)]
Source = Annotated[
    str,
    typer.Argument(
        metavar="JOB", parser=source, help="The job's id, or an entry of the zoo.", show_default=False
    ),
]
Key = Annotated[str | None, typer.Option(help="Sent twice under one key, a job is made once.")]


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
@takes_a_job
def submit(
    body: dict[str, Any],
    idempotency_key: Key = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Submit a job and print its id. What is not given has the paper's value."""
    with connect(url, key_file) as client:
        job = client.submit(body, idempotency_key=idempotency_key or str(uuid4()))
    err.print(f"queued; follow it with: pruneserve wait {job.id}")
    out.print(str(job.id))


@app.command()
@takes_a_job
def estimate(
    body: dict[str, Any], as_json: AsJson = False, url: Url = None, key_file: KeyFile = None
) -> None:
    """Tell what a job would take, in time, memory and space; nothing is submitted."""
    with connect(url, key_file) as client:
        told = client.estimate(body)
    if as_json:
        print_json(told.as_sent())
    else:
        print_estimate(out, told)


@app.command()
@takes_a_job
def run(  # noqa: PLR0913, PLR0917 - every option of the command line is one
    body: dict[str, Any],
    timeout: Timeout = None,
    patience: PatienceSeconds = 120,
    cancel_on_interrupt: Annotated[
        bool | None,
        typer.Option(
            "--cancel-on-interrupt/--keep-on-interrupt",
            help="Whether Ctrl-C and SIGTERM cancel the job. Without either, Ctrl-C asks on a terminal; "
            "elsewhere the job goes on.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    summary: Annotated[
        Path | None, typer.Option(help="Write the result as Markdown; in GitHub it is also shown by the run.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the result as JUnit XML.")] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            help="Sent twice under one key, a job is made once.",
            show_default="in GitHub and GitLab, made of the commit, the request and the attempt",
        ),
    ] = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Submit a job, follow it to its end, and exit with what has become of it."""
    key = idempotency_key or ci.idempotency_key(os.environ, body) or str(uuid4())
    console = err if as_json else out
    with connect(url, key_file) as client:
        terms = Terms(timeout, patience, cancel_on_interrupt)
        ending = Run(client, body, key, terms, console).ending()
        try:
            write_summary(ending, client.url, summary)
            if junit:
                write_junit(ending, junit)
        except OSError as error:
            err.print(f"warning: the result could not be written: {clean(error)}")
    _end_with(ending, as_json=as_json)


@app.command()
def wait(
    job: JobId,
    timeout: Timeout = None,
    patience: PatienceSeconds = 120,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Follow a job to its end, and exit with what has become of it: 0 only if it has passed."""
    with connect(url, key_file) as client, time_limit(timeout):
        ended = watch(client, job, patience, err if as_json else out)
    _end_with(Ending.of(ended), as_json=as_json)


def _end_with(ending: Ending, *, as_json: bool) -> NoReturn:
    if ending.job and as_json:
        print_json(ending.job.as_sent())
    elif ending.job:
        out.print()
        print_job(out, ending.job)
    if ending.code != Exit.OK:
        err.print(f"{ending.title}{': ' * bool(ending.problem)}{clean(ending.problem)}")
    raise typer.Exit(ending.code)


@app.command()
def jobs(  # noqa: PLR0913, PLR0917 - every option of the command line is one
    state: Annotated[
        list[str] | None,
        typer.Option(help="queued, running, cancelling, succeeded, failed or cancelled; may be repeated."),
    ] = None,
    method: Annotated[str | None, typer.Option(help="Only jobs of this method.")] = None,
    model: Annotated[str | None, typer.Option(help="Only jobs on this model.")] = None,
    gate: Annotated[str | None, typer.Option(help="Only jobs whose gate has passed, or failed.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Only jobs with this label; may be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """List jobs, newest first."""
    filters: dict[str, Any] = {"state": state, "method": method, "model": model, "gate": gate, "label": label}
    with connect(url, key_file) as client:
        found = client.jobs(limit=limit, **filters)
        if as_json:
            print_json([job.as_sent() for job in found])
        else:
            out.print(table_of_jobs(found))


@app.command()
def show(job: JobId, as_json: AsJson = False, url: Url = None, key_file: KeyFile = None) -> None:
    """Show a job: where it stands, what it cost, what it did to the model."""
    with connect(url, key_file) as client:
        shown = client.job(job)
    if as_json:
        print_json(shown.as_sent())
    else:
        print_job(out, shown)


@app.command()
def cancel(job: JobId, url: Url = None, key_file: KeyFile = None) -> None:
    """Cancel a job: at once if it is queued, after its current block if it runs."""
    with connect(url, key_file) as client:
        out.print(clean(client.cancel(job).state))


@app.command()
def retry(job: JobId, url: Url = None, key_file: KeyFile = None) -> None:
    """Queue a failed or cancelled job again; it goes on behind the blocks that it has finished."""
    with connect(url, key_file) as client:
        out.print(clean(client.retry(job).state))


@app.command()
def download(
    job: Source,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where to put the files.", show_default="a directory of the same name"
        ),
    ] = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Download the pruned model of a job that has succeeded, or of an entry in the zoo."""
    with connect(url, key_file) as client:
        download_all(client, job, output or Path(job))


@app.command(name="publish")
def publish_model(
    job: Source,
    repository: Annotated[str, typer.Argument(metavar="REPO", help="On the Hugging Face Hub: owner/name.")],
    private: Annotated[
        bool, typer.Option("--private/--public", help="Who may see the repository, if it is made now.")
    ] = True,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Put a pruned model and its card into a repository on the Hugging Face Hub, with your own token.

    The token is the variable HF_TOKEN, or what `hf auth login` has kept; it does not reach the service.
    """
    with connect(url, key_file) as client, TemporaryDirectory() as directory:
        publish(client, job, repository, Path(directory), private=private)


if __name__ == "__main__":
    app()
