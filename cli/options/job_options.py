"""The options that describe a job, for every command that takes one."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options.request import request_body


def share(text: str) -> float:
    """`5%` or `0.05`, as 0.05."""
    number, percent, rest = text.partition("%")
    try:
        value = float(number)
    except ValueError:
        raise typer.BadParameter("write a share like 5% or 0.05") from None
    if rest.strip():
        raise typer.BadParameter("write a share like 5% or 0.05")
    return value / 100 if percent else value


def pair(text: str) -> tuple[str, str]:
    """The two sides of `name=value`."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise typer.BadParameter(f"write NAME=VALUE, not {text!r}")
    return name, value


def score(text: str) -> tuple[str, float]:
    """The two sides of `task=0.6`, or of `task=60%`."""
    task, value = pair(text)
    return task, share(value)


def body(  # noqa: PLR0913, PLR0917 - every option of the command line is one
    model: Annotated[
        str | None, typer.Option(help="A Hugging Face id, or a path under one of the server's roots.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="A branch, tag or commit of the model.")] = None,
    method: Annotated[
        str | None, typer.Option(help="gblm (if nothing is given), wanda, magnitude, …")
    ] = None,
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
    task: Annotated[
        list[str] | None, typer.Option(metavar="TASK", help="A zero-shot task to run; may be repeated.")
    ] = None,
    dtype: Annotated[str | None, typer.Option(help="The precision of the computation.")] = None,
    save_masks: Annotated[
        bool | None, typer.Option("--save-masks", help="Also keep the masks.", show_default=False)
    ] = None,
    max_perplexity: Annotated[
        float | None, typer.Option(help="Gate: the pruned model's perplexity, at most.")
    ] = None,
    max_increase: Annotated[
        float | None,
        typer.Option(parser=share, metavar="SHARE", help="Gate: its perplexity over the dense one, say 5%."),
    ] = None,
    min_score: Annotated[
        list[Any] | None,
        typer.Option(parser=score, metavar="TASK=SCORE", help="Gate: its score in a task, at least."),
    ] = None,
    label: Annotated[
        list[Any] | None,
        typer.Option(parser=pair, metavar="NAME=VALUE", help="A label to find it by; may be repeated."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", help="A job as JSON, - for the standard input; the options win over it."
        ),
    ] = None,
) -> dict[str, Any]:
    """The body of a request for a job."""
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
        "evaluation.tasks": task,
        "dtype": dtype,
        "save_masks": save_masks,
        "gate.max_perplexity": max_perplexity,
        "gate.max_perplexity_increase": max_increase,
        "gate.min_zero_shot": dict(min_score) if min_score else None,
    }
    return request_body(file, fields, method, option or [], dict(label or ()))


def takes_a_job(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `body` in place of its parameter `body`."""
    of_a_job = inspect.signature(body)
    own = inspect.signature(command)
    others = [parameter for parameter in own.parameters.values() if parameter.name != "body"]

    @functools.wraps(command)
    def with_options(**given: Any) -> None:  # noqa: ANN401 - the options of both
        described = body(**{name: given.pop(name) for name in of_a_job.parameters})
        command(body=described, **given)

    # What typer reads.
    parameters = [*of_a_job.parameters.values(), *others]
    with_options.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options
