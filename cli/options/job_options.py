"""The options that describe a job, for every command that takes one. A recipe file has all other fields."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options.common import Command, option, replace_parameter
from cli.options.request import given_fields, refuse_strange_texts, request_body
from cli.options.values import JobOption
from cli.terminal import CommandFailed, Exit

_SETTING = "NAME=VALUE"

JOB_OPTIONS = (
    JobOption("model", "model.id", "text", "A Hub id such as org/name, or a model's directory."),
    JobOption("revision", "model.revision", "text", "Branch, tag or commit of a Hub model."),
    JobOption("method", "method.name", "text", "A method or a preset: best, recovered (default gblm)."),
    JobOption("option", "method", "settings", "Option of the method, such as norm=l2.", _SETTING, "o"),
    JobOption("pattern", "pattern", "text", "unstructured (default), or N:M such as 2:4."),
    JobOption("sparsity", "sparsity", "share", "Share of zeros, such as 50%; an N:M pattern implies it."),
    JobOption("allocation", "allocation.name", "text", "How zeros are spread over layers (default uniform)."),
    JobOption("structure", "structure", "settings", "Units to take out: mlp_channels=25%.", _SETTING),
    JobOption("calibration", "calibration.dataset", "text", "Text to calibrate on (default c4).", "DATASET"),
    JobOption("samples", "calibration.samples", "integer", "Calibration windows (default 128).", "N"),
    JobOption(
        "evaluation",
        "evaluation.dataset",
        "texts",
        "Text to measure on (default wikitext2); with a name that of a domain as well: code=builtin-code.",
        "[NAME=]DATASET",
        of_domain="evaluation.domains.*",
    ),
    JobOption("task", "evaluation.tasks", "list", "Zero-shot task, such as hellaswag; may be repeated."),
    JobOption(
        "export", "exports", "list", "A file to serve, such as gguf:Q4_K_M, or mask; may be repeated.", "NAME"
    ),
    JobOption(
        "max-increase",
        "gate.max_perplexity_increase",
        "share",
        "Gate: the perplexity over the dense one, such as 5%, or code=5% in a domain; may be repeated.",
        "[NAME=]SHARE",
        of_domain="gate.domains.*.max_perplexity_increase",
    ),
    JobOption(
        "max-kl",
        "gate.max_kl",
        "number",
        "Gate: mean KL(dense ‖ pruned) per token, in nats, or code=0.1 in a domain; may be repeated.",
        "[NAME=]NATS",
        of_domain="gate.domains.*.max_kl",
    ),
    JobOption(
        "baseline",
        "gate.baseline",
        "text",
        "Gate: the job to compare with, or the last with a label that passed its gate; else the dense model.",
        "JOB|NAME=VALUE",
    ),
    JobOption(
        "gate-on", "gate.export", "text", "The export that the gate is on; else the pruned model.", "NAME"
    ),
    JobOption("name", "name", "text", "A name that lists show."),
    JobOption("label", "labels", "labels", "Label to find the job by; may be repeated.", _SETTING),
)

_FILES = (
    option(
        "recipe",
        Annotated[
            Path | None,
            typer.Option(
                help="The request as JSON or, with the ending .yaml, YAML; - reads the standard input.",
                metavar="FILE",
                show_default=False,
            ),
        ],
    ),
    option(
        "quick",
        Annotated[
            bool,
            typer.Option("--quick", help="Few windows of the built-in text, without a Hub: a first result."),
        ],
        default=False,
    ),
)


_COMPARED = {"max_perplexity_increase", "max_score_drop", "domains"}


def _refuse_gate_without_limit(gate: object, given: Mapping[str, Any]) -> None:
    """Raise CommandFailed, in terms of options, for what the server would refuse. `given`: by options."""
    limits = (
        {name for name, limit in gate.items() if limit not in (None, {})} if isinstance(gate, dict) else set()
    )
    if "baseline" in given and not limits & _COMPARED:
        raise CommandFailed("--baseline needs --max-increase, which compares with it", Exit.USAGE)
    if "export" in given and limits <= {"export", "baseline"}:
        raise CommandFailed("--gate-on needs a limit: --max-increase or --max-kl", Exit.USAGE)


def with_job_options(command: Command, offered: Collection[JobOption] = JOB_OPTIONS) -> Command:
    """Return the command with the options of a job that are offered, in place of its parameter `body`.

    The body still names texts of this machine: the command uploads (`upload_texts`) or refuses them.
    """

    def call(
        command: Command,
        *,
        recipe: Path | None,
        quick: bool,
        **given: Any,  # noqa: ANN401 - options of every type
    ) -> None:
        values = {option: given.pop(option.variable) for option in offered}
        body = request_body(recipe, values, quick=quick)
        refuse_strange_texts(body, given_fields(values))
        if offered is JOB_OPTIONS:
            _refuse_gate_without_limit(body.get("gate"), given_fields(values).get("gate", {}))
        command(body=body, **given)

    options = [*(option.parameter() for option in offered), *_FILES]
    return replace_parameter("body", options, call)(command)
