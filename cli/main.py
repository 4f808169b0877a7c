"""The command `pruneserve`: a whole service on this machine, and a client of any PruneServe server."""

import os
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NoReturn
from uuid import UUID, uuid4

import typer
from typer.core import TyperGroup

from cli.commands import keys, sweeps
from cli.commands.cut import cut as cut_like
from cli.commands.downloads import download_all, job_or_entry
from cli.commands.publish import publish
from cli.commands.run import Run, RunOptions, watch
from cli.commands.time_limit import TimedOut, time_limit
from cli.commands.workers import table_of_workers
from cli.data_directory import DataDirectory, default_data_directory
from cli.options import ci
from cli.options.connection import KeyFile, Url, connect
from cli.options.job_options import takes_a_job, takes_changes
from cli.options.waiting_options import AsJson, PatienceSeconds, Timeout
from cli.render.estimates import print_estimate
from cli.render.junit import write as write_junit
from cli.render.outcome import Outcome
from cli.render.summary import write as write_summary
from cli.render.views import print_job, table_of_jobs
from cli.terminal import CommandFailed, Exit, clean, err, out, print_json
from pruneserve_client import PruneServeError, Unavailable

_EXIT_CODES = (
    "Exit codes: 0 success, 1 the job failed or `up` could not start, 2 bad usage or a rejected request, "
    "3 the job missed its gate, 4 the job was cancelled, 5 timeout, 6 the server is unavailable, "
    "130 interrupted by Ctrl-C, 143 by SIGTERM."
)
_INTERRUPTED = 130


class _Commands(TyperGroup):
    """Turns every expected error into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - click's own types
        try:
            return super().invoke(ctx)
        except CommandFailed as error:
            _fail(error, error.code)
        except Unavailable as error:
            _fail(error, Exit.UNREACHABLE)
        except PruneServeError as error:
            _fail(error, Exit.USAGE)
        except TimedOut:
            _fail("timed out; the job goes on", Exit.TIMEOUT)
        except KeyboardInterrupt:
            _fail("interrupted", _INTERRUPTED)


def _fail(message: object, code: int) -> NoReturn:
    err.print(f"error: {clean(message)}")
    raise typer.Exit(code)


app = typer.Typer(
    cls=_Commands,
    help="Prune large language models: run a service on this machine, or use any PruneServe server.",
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
        metavar="JOB",
        parser=job_or_entry,
        help="The job's id, or the name of a zoo entry.",
        show_default=False,
    ),
]
Key = Annotated[
    str | None, typer.Option(help="A request that is repeated with the same key creates no second job.")
]


@app.command()
def up(
    data: Annotated[
        Path,
        typer.Option(
            help="The directory for all data of the service.", show_default="~/.local/share/pruneserve"
        ),
    ] = default_data_directory(),  # noqa: B008 - read once per command
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the API and the page.")] = 8642,
    root: Annotated[
        list[Path] | None,
        typer.Option(
            help="A directory whose models and text files jobs may use; may be repeated. "
            "`models` in the data directory is always allowed.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start the whole service on this machine, reachable only from this machine; Ctrl-C stops it."""
    try:
        from cli.embedded.environment import require_own_environment
    except ModuleNotFoundError as error:
        raise CommandFailed(
            "this is the client alone; `up` needs the whole service: in a checkout, pip install "
            "'.[torch,embedded]' in an environment of its own",
            Exit.USAGE,
        ) from error

    require_own_environment()  # before anything of the service is imported
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
    """Submit a job and print its id. Options that are left out have the values of the paper."""
    with connect(url, key_file) as client:
        job = client.submit(body, idempotency_key=idempotency_key or str(uuid4()))
    _print_queued(job.id)


@app.command()
def cut(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="A checkpoint of the family of the report's model, or a LoRA adapter for it.",
            show_default=False,
        ),
    ],
    like: Annotated[
        Path, typer.Option(metavar="REPORT", help="The pruning_report.json of a job with `structure`.")
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Where the result goes; must not exist.")],
) -> None:
    """Take the same units out of another checkpoint or adapter as a job did, on this machine."""
    cut_like(source, like, output)


@app.command()
@takes_changes
def rerun(
    job: JobId,
    body: dict[str, Any],
    idempotency_key: Key = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Submit a job again as a new one, with the options that are given changed, and print its id."""
    with connect(url, key_file) as client:
        queued = client.rerun(job, body, idempotency_key=idempotency_key or str(uuid4()))
    _print_queued(queued.id)


def _print_queued(job: UUID) -> None:
    err.print(f"queued; follow it with: pruneserve wait {job}")
    out.print(str(job))


@app.command()
@takes_a_job
def estimate(
    body: dict[str, Any], as_json: AsJson = False, url: Url = None, key_file: KeyFile = None
) -> None:
    """Estimate the time, memory and disk space that a job would take; nothing is submitted."""
    with connect(url, key_file) as client:
        estimated = client.estimate(body)
    if as_json:
        print_json(estimated.as_sent())
    else:
        print_estimate(out, estimated)


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
            help="Whether Ctrl-C and SIGTERM cancel the job. By default, Ctrl-C on a terminal asks; "
            "elsewhere the job goes on.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    summary: Annotated[
        Path | None,
        typer.Option(help="Write the result as Markdown; GitHub Actions also shows it in the job summary."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the result as JUnit XML.")] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            help="A request that is repeated with the same key creates no second job.",
            show_default="on GitHub and GitLab: a hash of commit, attempt and request",
        ),
    ] = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Submit a job, follow it to its end, and exit with a code for its outcome."""
    key = idempotency_key or ci.idempotency_key(os.environ, body) or str(uuid4())
    console = err if as_json else out
    with connect(url, key_file) as client:
        options = RunOptions(timeout, patience, cancel_on_interrupt)
        outcome = Run(client, body, key, options, console).outcome()
        try:
            write_summary(outcome, client.url, summary)
            if junit:
                write_junit(outcome, junit)
        except OSError as error:
            err.print(f"warning: the result could not be written: {clean(error)}")
    _exit(outcome, as_json=as_json)


@app.command()
def wait(
    job: JobId,
    timeout: Timeout = None,
    patience: PatienceSeconds = 120,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Follow a job to its end, and exit with a code for its outcome: 0 if it succeeded and met its gate."""
    with connect(url, key_file) as client, time_limit(timeout):
        ended = watch(client, job, patience, err if as_json else out)
    _exit(Outcome.of(ended), as_json=as_json)


def _exit(outcome: Outcome, *, as_json: bool) -> NoReturn:
    if outcome.job and as_json:
        print_json(outcome.job.as_sent())
    elif outcome.job:
        out.print()
        print_job(out, outcome.job)
    if outcome.code != Exit.OK:
        err.print(": ".join(filter(None, (outcome.title, clean(outcome.problem)))))
    raise typer.Exit(outcome.code)


@app.command()
def jobs(  # noqa: PLR0913, PLR0917 - every option of the command line is one
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
    gate: Annotated[str | None, typer.Option(help="passed or failed: only jobs whose gate did so.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Only jobs with this label; may be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The number of jobs, at most.")] = 20,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """List jobs, newest first."""
    with connect(url, key_file) as client:
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
        if as_json:
            print_json([job.as_sent() for job in found])
        else:
            out.print(table_of_jobs(found))


@app.command()
def show(job: JobId, as_json: AsJson = False, url: Url = None, key_file: KeyFile = None) -> None:
    """Show a job: its state, what it measured and what it took."""
    with connect(url, key_file) as client:
        shown = client.job(job)
    if as_json:
        print_json(shown.as_sent())
    else:
        print_job(out, shown)


@app.command()
def cancel(job: JobId, url: Url = None, key_file: KeyFile = None) -> None:
    """Cancel a job: at once if it is queued, at its next step, within 10 s, if it is running."""
    with connect(url, key_file) as client:
        out.print(clean(client.cancel(job).state))


@app.command()
def retry(job: JobId, url: Url = None, key_file: KeyFile = None) -> None:
    """Queue a failed or cancelled job again; it resumes after its last finished block."""
    with connect(url, key_file) as client:
        out.print(clean(client.retry(job).state))


@app.command()
def download(
    source: Source,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The directory for the files.", show_default="the value of JOB"),
    ] = None,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Download the pruned model of a succeeded job, or of an entry of the zoo."""
    with connect(url, key_file) as client:
        download_all(client, source, output or Path(source))


@app.command(name="publish")
def publish_model(
    source: Source,
    repository: Annotated[
        str, typer.Argument(metavar="REPO", help="A repository on the Hugging Face Hub, owner/name.")
    ],
    private: Annotated[
        bool, typer.Option("--private/--public", help="Whether a new repository is private.")
    ] = True,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Upload a pruned model with its card to the Hugging Face Hub, with your own token.

    The token is HF_TOKEN, or the one that `hf auth login` has stored. It never reaches the service.
    """
    with connect(url, key_file) as client, TemporaryDirectory() as directory:
        publish(client, source, repository, Path(directory), private=private)


@app.command()
def workers(url: Url = None, key_file: KeyFile = None) -> None:
    """List the service's workers, what they do, and why one takes no jobs; needs an admin key."""
    with connect(url, key_file) as client:
        out.print(table_of_workers(client.workers()))


if __name__ == "__main__":
    app()
