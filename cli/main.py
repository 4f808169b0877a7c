"""The command `pruneserve`: a whole service on this machine, and a client of any PruneServe server."""

import os
from contextlib import suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NoReturn
from uuid import uuid4

import typer
from typer.core import TyperGroup

from cli.commands import gradients, keys, sweeps, uploads, webhooks, zoo
from cli.commands.cut import cut as cut_like
from cli.commands.downloads import download_all, job_or_entry
from cli.commands.logs import print_log
from cli.commands.publish import publish
from cli.commands.run import Run, RunOptions, watch
from cli.commands.server import print_me, table_of_methods, table_of_workers
from cli.commands.time_limit import TimedOut, time_limit
from cli.data_directory import DataDirectory, default_data_directory
from cli.options import ci
from cli.options.connection import connected
from cli.options.ids import FinalJobId, JobId, find_job
from cli.options.job_options import takes_a_job, takes_a_job_to_estimate, takes_changes
from cli.options.waiting_options import AsJson, PatienceSeconds, Timeout
from cli.render.annotation import annotate
from cli.render.estimates import print_estimate
from cli.render.figures import write as write_figures
from cli.render.junit import write as write_junit
from cli.render.lists import print_list
from cli.render.outcome import Outcome
from cli.render.storage import table_of_storage
from cli.render.summary import write as write_summary
from cli.render.views import print_job, table_of_jobs
from cli.terminal import CommandFailed, Exit, clean, err, out, print_json
from pruneserve_client import Client, PruneServeError, Unavailable
from pruneserve_client.models import JobDetail, Receipt

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
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for group, name in (
    (gradients, "gradients"),
    (keys, "keys"),
    (sweeps, "sweep"),
    (uploads, "uploads"),
    (webhooks, "webhooks"),
    (zoo, "zoo"),
):
    app.add_typer(group.app, name=name)


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(_version())
        raise typer.Exit


def _version() -> str:
    """Return the version of the service, or of the client where only that is installed."""
    for distribution in ("pruneserve", "pruneserve-client"):
        with suppress(PackageNotFoundError):
            return version(distribution)
    return "of a checkout that is not installed"


@app.callback()
def with_any_command(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Take the options of the program itself."""


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
@connected
@takes_a_job
def submit(
    client: Client, body: dict[str, Any], idempotency_key: Key = None, as_json: AsJson = False
) -> None:
    """Submit a job and print its id. Options that are left out have the values of the paper."""
    _print_queued(client.submit(body, idempotency_key=idempotency_key or str(uuid4())), as_json=as_json)


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
@connected
@takes_changes
def rerun(
    client: Client,
    job: JobId,
    body: dict[str, Any],
    idempotency_key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job again as a new one, with the options that are given changed, and print its id."""
    key = idempotency_key or str(uuid4())
    _print_queued(client.rerun(find_job(client, job), body, idempotency_key=key), as_json=as_json)


def _print_queued(job: JobDetail, *, as_json: bool) -> None:
    err.print(f"queued; follow it with: pruneserve wait {job.id}")
    if as_json:
        print_json(job.as_sent())
    else:
        out.print(str(job.id))


@app.command()
@connected
@takes_a_job_to_estimate
def estimate(client: Client, body: dict[str, Any], as_json: AsJson = False) -> None:
    """Estimate the time, memory and disk space that a job would take; nothing is submitted."""
    estimated = client.estimate(body)
    if as_json:
        print_json(estimated.as_sent())
    else:
        print_estimate(out, estimated)


@app.command()
@connected
@takes_a_job
def run(  # noqa: PLR0913, PLR0917 - every option of the command line is one
    client: Client,
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
    dotenv: Annotated[
        Path | None,
        typer.Option(
            help="Write the figures as variables PRUNED_PERPLEXITY and so on, for GitLab's `dotenv` reports."
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            help="A request that is repeated with the same key creates no second job.",
            show_default="on GitHub and GitLab: a hash of commit, attempt and request",
        ),
    ] = None,
) -> None:
    """Submit a job, follow it to its end, and exit with a code for its outcome."""
    key = idempotency_key or ci.idempotency_key(os.environ, body) or str(uuid4())
    console = err if as_json else out
    options = RunOptions(timeout, patience, cancel_on_interrupt)
    outcome = Run(client, body, key, options, console).outcome()
    try:
        write_summary(outcome, client.url, summary)
        if junit:
            write_junit(outcome, client.url, junit)
        write_figures(outcome.job, client.url, dotenv)
    except OSError as error:
        err.print(f"warning: the result could not be written: {clean(error)}")
    annotate(outcome)
    _exit(outcome, client, as_json=as_json)


@app.command()
@connected
def wait(
    client: Client,
    job: JobId,
    timeout: Timeout = None,
    patience: PatienceSeconds = 120,
    as_json: AsJson = False,
) -> None:
    """Follow a job to its end, and exit with a code for its outcome: 0 if it succeeded and met its gate."""
    with time_limit(timeout):
        ended = watch(client, find_job(client, job), patience, err if as_json else out)
    _exit(Outcome.of(ended), client, as_json=as_json)


def _exit(outcome: Outcome, client: Client, *, as_json: bool) -> NoReturn:
    if outcome.job and as_json:
        print_json(outcome.job.as_sent())
    elif outcome.job:
        out.print()
        print_job(out, outcome.job, client.url)
    if outcome.code != Exit.OK:
        err.print(": ".join(filter(None, (outcome.title, clean(outcome.problem)))))
    raise typer.Exit(outcome.code)


@app.command()
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
    gate: Annotated[str | None, typer.Option(help="passed or failed: only jobs whose gate did so.")] = None,
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


@app.command()
@connected
def show(client: Client, job: JobId, as_json: AsJson = False) -> None:
    """Show a job: its state, what it measured and what it took."""
    shown = client.job(find_job(client, job))
    if as_json:
        print_json(shown.as_sent())
    else:
        print_job(out, shown, client.url)


@app.command()
@connected
def logs(
    client: Client,
    job: JobId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended; Ctrl-C ends it earlier.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON.")] = False,
) -> None:
    """Print the events of a job: states, stages, progress and messages."""
    print_log(client, find_job(client, job), follow=follow, as_json=as_json)


@app.command()
@connected
def cancel(client: Client, job: FinalJobId, as_json: AsJson = False) -> None:
    """Cancel a job: at once if it is queued, at its next step, within 10 s, if it is running."""
    _print_state(client.cancel(find_job(client, job)), as_json=as_json)


@app.command()
@connected
def retry(client: Client, job: JobId, as_json: AsJson = False) -> None:
    """Queue a failed or cancelled job again; it resumes after its last finished block."""
    _print_state(client.retry(find_job(client, job)), as_json=as_json)


def _print_state(job: JobDetail | Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json(job.as_sent())
    else:
        out.print(clean(job.state))


@app.command()
@connected
def delete(client: Client, job: FinalJobId) -> None:
    """Delete a job that has ended, for good, with its files and the gradients stored for later jobs."""
    found = find_job(client, job)
    client.delete(found)
    out.print(f"deleted {found}")


@app.command()
@connected
def storage(client: Client, as_json: AsJson = False) -> None:
    """Show what your jobs and uploads take in the store."""
    used = client.storage()
    if as_json:
        print_json(used.as_sent())
    else:
        out.print(table_of_storage(used))


@app.command()
@connected
def download(
    client: Client,
    source: Source,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The directory for the files.", show_default="the value of JOB"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download the pruned model of a succeeded job, or of an entry of the zoo."""
    files = download_all(client, source, output or Path(source), err if as_json else out)
    if as_json:
        print_json([file.as_sent() for file in files])


@app.command(name="publish")
@connected
def publish_model(
    client: Client,
    source: Source,
    repository: Annotated[
        str, typer.Argument(metavar="REPO", help="A repository on the Hugging Face Hub, owner/name.")
    ],
    private: Annotated[
        bool, typer.Option("--private/--public", help="Whether a new repository is private.")
    ] = True,
    base_model: Annotated[
        str | None,
        typer.Option(
            help="The dense model's name on the Hub, where the job has pruned it from a directory.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Upload a pruned model with its card to the Hugging Face Hub, with your own token.

    The token is HF_TOKEN, or the one that `hf auth login` has stored. It never reaches the service.
    """
    with TemporaryDirectory() as directory:
        publish(client, source, repository, Path(directory), private=private, base_model=base_model)


@app.command()
@connected
def methods(client: Client, as_json: AsJson = False) -> None:
    """List the pruning methods with their formulas and options."""
    print_list(client.methods(), table_of_methods, as_json=as_json)


@app.command()
@connected
def workers(client: Client, as_json: AsJson = False) -> None:
    """List the service's workers, what they do, and why one takes no jobs; needs an admin key."""
    print_list(client.workers(), table_of_workers, as_json=as_json)


@app.command()
@connected
def me(client: Client, as_json: AsJson = False) -> None:
    """Show which server and whose key the commands use, and what the key may do."""
    principal = client.me()
    if as_json:
        print_json(principal.as_sent())
    else:
        print_me(client.url, principal)


if __name__ == "__main__":
    app()
