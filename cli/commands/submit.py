"""The commands that submit a job or follow one: `submit`, `estimate`, `run` and `wait`."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import uuid4

import typer
from typer.core import TyperCommand

from cli.commands.run import TimedOut, run_job, time_limit, unfinished, watch
from cli.options.common import AsJson, Timeout
from cli.options.connection import connected
from cli.options.ids import JobId, find_job
from cli.options.job_options import with_job_options
from cli.options.request import refuse_texts, upload_texts
from cli.options.values import describe_bad_parameter
from cli.render.ci import report
from cli.render.outcome import Inconclusive, Outcome
from cli.render.tables import print_estimate, print_item
from cli.render.views import print_job
from cli.terminal import CommandFailed, Exit, PipeClosed, clean, err, out, print_json
from pruneserve_client import Client

_Inconclusive = Annotated[
    Inconclusive,
    typer.Option(
        help="What becomes of a gate whose limit lies inside the 95 % interval: pass, or fail with code 7."
    ),
]


@connected
@with_job_options
def submit(
    client: Client,
    body: dict[str, Any],
    idempotency_key: Annotated[
        str | None, typer.Option(help="A request that is repeated with the same key creates no second job.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job and print its id. Options that are left out have the values of the paper."""
    upload_texts(body, client.upload)
    job = client.submit(body, idempotency_key=idempotency_key or str(uuid4()))
    err.print(f"queued; follow it with: pruneserve wait {job.id}")
    print_item(job, str(job.id), as_json=as_json)


@connected
@with_job_options
def estimate(client: Client, body: dict[str, Any], as_json: AsJson = False) -> None:
    """Estimate a job's time, memory and disk; submit nothing."""
    refuse_texts(body)
    estimated = client.estimate(body)
    if as_json:
        print_json(estimated.as_sent())
    else:
        print_estimate(out, estimated)


class Reported(TyperCommand):
    """A command whose errors before it has an outcome are reported to the CI system as well."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - click's own types
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = describe_bad_parameter(error)
            _report_failure(ctx, error.format_message(), Exit.USAGE)
            raise

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as above
        try:
            return super().invoke(ctx)
        except CommandFailed as error:
            _report_failure(ctx, str(error), error.code)
            raise


def _report_failure(ctx: Any, problem: str, code: Exit) -> None:  # noqa: ANN401 - as above
    given = (ctx.params.get(name) for name in ("summary", "junit", "dotenv"))
    summary, junit, dotenv = (Path(file) if file else None for file in given)
    report(Outcome(code, None, problem), "", summary=summary, junit=junit, dotenv=dotenv)


@connected
@with_job_options
def run(  # noqa: PLR0913, PLR0917 - every option of the command line is one
    client: Client,
    body: dict[str, Any],
    timeout: Timeout = None,
    cancel_on_interrupt: Annotated[
        bool | None,
        typer.Option(
            "--cancel-on-interrupt/--keep-on-interrupt",
            help="Whether Ctrl-C, SIGTERM and a closed pipe cancel the job. "
            "Default: a terminal asks, elsewhere it goes on.",
            show_default=False,
        ),
    ] = None,
    inconclusive: _Inconclusive = "fail",
    as_json: AsJson = False,
    # Eager: parsed before an option that may be wrong, so that the error is reported there (`Reported`).
    summary: Annotated[
        Path | None,
        typer.Option(
            is_eager=True, help="Write the result as Markdown; GitHub's job summary shows it anyway."
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(is_eager=True, help="Write the result as JUnit XML.")] = None,
    dotenv: Annotated[
        Path | None,
        typer.Option(is_eager=True, help="Write the figures as variables, for GitLab's `dotenv` reports."),
    ] = None,
) -> None:
    """Submit a job, follow it, and exit with its outcome's code."""
    console = err if as_json else out
    outcome = run_job(
        client,
        body,
        console,
        timeout=timeout,
        cancel_on_interrupt=cancel_on_interrupt,
        inconclusive=inconclusive,
    )
    written = report(outcome, client.url, summary=summary, junit=junit, dotenv=dotenv)
    _exit(outcome, client, as_json=as_json, written=written)


@connected
def wait(
    client: Client,
    job: JobId,
    timeout: Timeout = None,
    inconclusive: _Inconclusive = "fail",
    as_json: AsJson = False,
) -> None:
    """Follow a job to its end; exit with its outcome's code."""
    with time_limit(timeout):
        followed = client.job(find_job(client, job))
        try:
            outcome = Outcome.of(watch(client, followed.id, err if as_json else out), inconclusive)
        except TimedOut:
            outcome = unfinished(client, followed, Exit.TIMEOUT)
    _exit(outcome, client, as_json=as_json)


def _exit(outcome: Outcome, client: Client, *, as_json: bool, written: bool = True) -> NoReturn:
    """`written`: whether the files of the result are. Later steps would read what an earlier run has left."""
    with suppress(PipeClosed):  # the outcome is the same
        if outcome.job and as_json:
            print_json(outcome.job.as_sent())
        elif outcome.job:
            out.print()
            print_job(out, outcome.job, client.url, stale=outcome.stale)
    with suppress(PipeClosed):
        if outcome.problem:
            err.print(f"error: {clean(outcome.problem)}")
        elif outcome.code != Exit.OK:
            err.print(outcome.title)
    raise typer.Exit(outcome.code or (Exit.OK if written else Exit.FAILED))
