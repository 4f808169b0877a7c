"""`pruneserve gradients`: compute gradient norms once, and keep them for later jobs."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from rich.table import Table

from cli.commands.downloads import save_files
from cli.options.connection import connected
from cli.options.ids import MOST_LOOKED_AT, FinalJobId, JobId, whole_id
from cli.options.job_option import pair
from cli.options.waiting_options import AsJson
from cli.render.lists import plain_table, print_list, utc
from cli.terminal import CommandFailed, Exit, clean, err, out, print_json, size
from pruneserve_client import Client
from pruneserve_client.models import GradientItem

app = typer.Typer(
    help="Compute gradient norms once, and keep them for later jobs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
@connected
def submit(  # noqa: PLR0913, PLR0917 - every option of the command line is one
    client: Client,
    model: Annotated[str, typer.Option(help="A Hub id such as org/name, or a path on the server.")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a Hub model.")] = None,
    norm: Annotated[
        list[str] | None, typer.Option(help="l1 (default) or l2; may be repeated for both.")
    ] = None,
    calibration: Annotated[
        str | None, typer.Option(metavar="DATASET", help="Text to compute gradients on; the default is c4.")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Windows; the default is 128.")] = None,
    sequence_length: Annotated[
        int | None, typer.Option(help="Tokens per window; the default is 2048, or the model's context.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draw; the default is 0.")] = None,
    add_bos_token: Annotated[
        bool,
        typer.Option("--add-bos-token", help="Begin each window with the tokenizer's first token (Gemma)."),
    ] = False,
    dtype: Annotated[
        str | None, typer.Option(help="Precision: auto (default), float64, float32, bfloat16, float16.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    label: Annotated[
        list[Any] | None,
        typer.Option(parser=pair, metavar="NAME=VALUE", help="Label to find it by; may be repeated."),
    ] = None,
    priority: Annotated[
        int | None, typer.Option(help="From -100 to 100; your job with the highest one runs first.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="A request that is repeated with the same key creates no second job.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job that computes norms, and print its id. A later job takes `--gradients gradient:ID`."""
    drawn = {"dataset": calibration, "samples": samples, "sequence_length": sequence_length, "seed": seed}
    drawn |= {"add_bos_token": True} if add_bos_token else {}
    body = _given(
        model=_given(id=model, revision=revision),
        norms=norm,
        calibration=_given(**drawn) or None,
        dtype=dtype,
        name=name,
        labels=dict(label) if label else None,
        priority=priority,
    )
    job = client.compute_gradients(body, idempotency_key=idempotency_key or str(uuid4()))
    if as_json:
        print_json(job.as_sent())
        return
    err.print(f"queued; follow it with: pruneserve wait {job.id}")
    err.print(f"then submit jobs with: --gradients gradient:{job.id}")
    out.print(str(job.id))


@app.command("list")
@connected
def list_gradients(client: Client, as_json: AsJson = False) -> None:
    """List gradient norms, newest first."""
    print_list(client.gradients(), _table, as_json=as_json)


@app.command()
@connected
def download(
    client: Client,
    job: JobId,
    output: Annotated[Path, typer.Option(metavar="DIR", help="The directory for the file.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Download norms, for `python -m pruning --gradients` or to upload them elsewhere."""
    norms = _id(client, job)
    file = next((one.file for one in client.gradients() if one.id == norms), None)
    if file is None:
        raise CommandFailed("there is no file: the job has not succeeded, or it was deleted", Exit.FAILED)
    save_files(client, [file], output, err if as_json else out)
    if as_json:
        print_json([file.as_sent()])


@app.command()
@connected
def delete(client: Client, job: FinalJobId) -> None:
    """Delete norms with their job; refused while a job that has not ended needs them."""
    client.delete(_id(client, job))
    out.print("deleted")


def _id(client: Client, digits: str) -> UUID:
    return whole_id(digits, "gradient job", (one.id for one in islice(client.gradients(), MOST_LOOKED_AT)))


def _given(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - options of every type
    return {name: value for name, value in values.items() if value is not None}


def _table(found: Iterable[GradientItem]) -> Table:
    table = plain_table("id", "model", "norms", "state", "size", "submitted")
    for item in found:
        table.add_row(
            str(item.id),
            clean(item.model),
            clean(", ".join(item.norms)),
            clean(item.state),
            size(item.file.size) if item.file else "",
            utc(item.created_at),
        )
    return table
