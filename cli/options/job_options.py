"""The options that describe a job, for every command that takes one."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options.job_option import JobOption
from cli.options.recipe_options import RECIPE_OPTIONS
from cli.options.request import changes, request_body
from cli.options.signatures import Command, in_place_of, option
from cli.options.texts import refuse_texts, upload_texts

# What a job has besides its recipe and evaluation.
_SERVICE_OPTIONS = (
    JobOption(
        "gradients",
        "gradients",
        "text",
        "gradient norms to use: gradient:ID of `gradients submit`, upload:ID, or a path on the server",
        "NORMS",
    ),
    JobOption("save-masks", "save_masks", "flag", "also keep the masks"),
    JobOption(
        "stop-when-missed",
        "stop_when_missed",
        "flag",
        "end the evaluation as soon as the gate is certain to be missed, and do not keep such a model",
    ),
    JobOption("name", "name", "text", "a name for people, which lists show"),
    JobOption(
        "job-timeout",
        "timeout_seconds",
        "number",
        "seconds on workers, in all attempts, after which the job fails",
        "SECONDS",
    ),
    JobOption("gpus", "placement.gpus", "integer", "GPUs that must share the job; 0 lets it run on a CPU"),
    JobOption(
        "gpu-memory",
        "placement.device_memory_bytes",
        "size",
        "free memory that each GPU must have, such as 24GB, in place of the service's estimate",
        "SIZE",
    ),
    JobOption(
        "host-memory",
        "placement.host_memory_bytes",
        "size",
        "memory that the worker's host must have, in place of the service's estimate",
        "SIZE",
    ),
    JobOption(
        "scratch",
        "placement.scratch_bytes",
        "size",
        "free disk that the worker must have, in place of the service's estimate",
        "SIZE",
    ),
    JobOption("max-perplexity", "gate.max_perplexity", "number", "gate: maximum perplexity when pruned"),
    JobOption(
        "max-increase",
        "gate.max_perplexity_increase",
        "share",
        "gate: maximum increase of the perplexity over the dense model's, such as 5%",
        "SHARE",
    ),
    JobOption(
        "max-kl", "gate.max_kl", "number", "gate: maximum mean of KL(dense ‖ pruned) per token, in nats"
    ),
    JobOption(
        "max-bytes", "gate.max_bytes", "size", "gate: maximum size of the weight files, such as 1GB", "SIZE"
    ),
    JobOption("max-parameters", "gate.max_parameters", "integer", "gate: maximum number of parameters"),
    JobOption(
        "max-memory",
        "gate.max_memory_bytes",
        "size",
        "gate: maximum peak memory where the speed is measured, such as 6GB",
        "SIZE",
    ),
    JobOption(
        "min-speedup",
        "gate.min_speedup",
        "number",
        "gate: minimum speed over the dense model's, of prefill and of decode, such as 1.3",
        "TIMES",
    ),
    JobOption(
        "min-score",
        "gate.min_zero_shot",
        "scores",
        "gate: minimum score in a zero-shot task, such as piqa=60%; may be repeated",
        "TASK=SCORE",
    ),
    JobOption(
        "priority",
        "priority",
        "integer",
        "from -100 to 100: your queued job with the highest one runs first; the default is 0",
    ),
    JobOption("label", "labels", "labels", "label to find the job by; may be repeated", "NAME=VALUE"),
)

JOB_OPTIONS = (*RECIPE_OPTIONS, *_SERVICE_OPTIONS)

_FILE = option(
    "file",
    Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            help="A job as JSON, or - for the standard input. Options replace its fields.",
            show_default=False,
        ),
    ],
)


def takes_a_job(command: Command) -> Command:
    """Return the command with the options of a job in place of its parameter `body`.

    Texts of this machine that the job names are uploaded by the command's `client`, if it has one.
    """
    return _with_options(command, request_body)


def takes_a_job_to_estimate(command: Command) -> Command:
    """Return the command with the same options, which refuses texts of this machine: it uploads nothing."""
    return _with_options(command, request_body, uploads=False)


def takes_changes(command: Command) -> Command:
    """Return the command with the same options, of which `body` has only those that were given."""
    return _with_options(command, changes)


def _with_options(
    command: Command,
    body_of: Callable[[Path | None, dict[JobOption, Any]], dict[str, Any]],
    *,
    uploads: bool = True,
) -> Command:
    def call(command: Command, *, file: Path | None, **given: Any) -> None:  # noqa: ANN401 - of every type
        values = {option: given.pop(option.variable) for option in JOB_OPTIONS}
        body = body_of(file, values)
        if not uploads:
            refuse_texts(body)
        elif client := given.get("client"):
            # Without the model: what it stands for on this machine is said once.
            typed = changes(None, {one: value for one, value in values.items() if one.field != "model.id"})
            upload_texts(client, body, typed, patience=given.get("patience", 0.0))
        command(body=body, **given)

    options = [*(option.parameter() for option in JOB_OPTIONS), _FILE]
    return in_place_of("body", options, call)(command)
