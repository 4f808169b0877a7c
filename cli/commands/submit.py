"""The commands that submit a job or follow one: `submit`, `rerun`, `estimate`, `run` and `wait`."""

import os
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import uuid4

import typer

from cli.commands.run import Run, RunOptions, watch
from cli.commands.time_limit import time_limit
from cli.options import ci
from cli.options.connection import connected
from cli.options.ids import JobId, find_job
from cli.options.job_options import takes_a_job, takes_a_job_to_estimate, takes_changes
from cli.options.waiting_options import AsJson, PatienceSeconds, Timeout
from cli.render.annotation import annotate
from cli.render.estimates import print_estimate
from cli.render.figures import write as write_figures
from cli.render.junit import write as write_junit
from cli.render.outcome import Outcome
from cli.render.summary import write as write_summary
from cli.render.views import print_job
from cli.terminal import Exit, clean, err, out, print_json
from pruneserve_client import Client
from pruneserve_client.models import JobDetail

Key = Annotated[
    str | None, typer.Option(help="A request that is repeated with the same key creates no second job.")
]


@connected
@takes_a_job
def submit(
    client: Client, body: dict[str, Any], idempotency_key: Key = None, as_json: AsJson = False
) -> None:
    """Submit a job and print its id. Options that are left out have the values of the paper."""
    _print_queued(client.submit(body, idempotency_key=idempotency_key or str(uuid4())), as_json=as_json)


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


@connected
@takes_a_job_to_estimate
def estimate(client: Client, body: dict[str, Any], as_json: AsJson = False) -> None:
    """Estimate the time, memory and disk space that a job would take; nothing is submitted."""
    estimated = client.estimate(body)
    if as_json:
        print_json(estimated.as_sent())
    else:
        print_estimate(out, estimated)


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
        print_job(out, outcome.job, client.url, stale=outcome.stale)
    if outcome.problem:
        err.print(f"error: {clean(outcome.problem)}")
    elif outcome.code != Exit.OK:
        err.print(outcome.title)
    raise typer.Exit(outcome.code)
