"""The command-line options that describe a run: `python -m pruning` and `pruneserve submit` share them.

Each option names a field of a job request: the fields of a recipe at the top level, those of an evaluation
under `evaluation`. `python -m pruning` builds its options and its request from this table. `pruneserve` may
not import this package; a test holds its options equal to these.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pruning.recipe.units import UNIT_KINDS

Kind = Literal["text", "integer", "number", "share", "flag", "list", "settings", "mix", "texts"]
"""What an option takes: one value (a `share` as `50%` too), nothing (`flag`), several values (`list`, may
be repeated), NAME=VALUE pairs (`settings`), DATASET=WEIGHT pairs (`mix`), or a DATASET and NAME=DATASET pairs
of domains (`texts`)."""


_EXAMPLES = ", ".join(f"{kind.name}={kind.example}" for kind in UNIT_KINDS.values())


@dataclass(frozen=True)
class Option:
    """One option of the command line, and the field of a job request that it sets."""

    name: str  # without the dashes
    field: str  # dotted
    kind: Kind
    help: str
    metavar: str | None = None
    short: str | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """As typed: `--option`, and `-o` where there is a short form."""
        return (f"--{self.name}",) if self.short is None else (f"--{self.name}", f"-{self.short}")

    @property
    def variable(self) -> str:
        """The option's name as a Python identifier."""
        return self.name.replace("-", "_")

    @property
    def in_recipe(self) -> bool:
        """Whether it sets a field of the recipe; the others belong to the evaluation."""
        return not self.field.startswith("evaluation.")


OPTIONS: tuple[Option, ...] = (
    Option(
        "model", "model.id", "text", "a Hub id such as org/name, or the path of a model's directory", "MODEL"
    ),
    Option("revision", "model.revision", "text", "branch, tag or commit of a Hub model"),
    Option(
        "method",
        "method.name",
        "text",
        "pruning method; or a preset: best (one-shot), recovered (best, then trained)",
    ),
    Option(
        "option",
        "method",
        "settings",
        "option of the method, such as norm=l2; may be repeated",
        "NAME=VALUE",
        "o",
    ),
    Option(
        "pattern",
        "pattern",
        "text",
        "unstructured (default), or N:M for at most N non-zero of M, such as 2:4",
    ),
    Option(
        "permute",
        "permute",
        "flag",
        "put MLP channels and value channels in an order in which an N:M pattern keeps more",
    ),
    Option("sparsity", "sparsity", "share", "share of zeros, such as 50% or 0.5; an N:M pattern implies it"),
    Option(
        "allocation",
        "allocation.name",
        "text",
        "how the sparsity is spread over the layers (default uniform)",
    ),
    Option(
        "allocation-option",
        "allocation",
        "settings",
        "option of the allocation, such as band=0.1; may be repeated",
        "NAME=VALUE",
    ),
    Option(
        "include",
        "layers.include",
        "list",
        "prune only layers that match, such as '*.mlp.*'; may be repeated",
        "GLOB",
    ),
    Option("exclude", "layers.exclude", "list", "do not prune layers that match; may be repeated", "GLOB"),
    Option(
        "structure",
        "structure",
        "settings",
        f"units to take out, such as {_EXAMPLES}; may be repeated",
        "NAME=VALUE",
    ),
    Option("norm", "norms", "list", "only compute this gradient norm, l1 or l2; may be repeated", "NORM"),
    Option("refit", "refit", "flag", "solve for the kept weights again after pruning"),
    Option(
        "refit-option",
        "refit",
        "settings",
        "option of --refit, such as iterations=50, which it implies; may be repeated",
        "NAME=VALUE",
    ),
    Option("distil", "recovery.distil", "flag", "train the kept weights towards the dense model's output"),
    Option(
        "distil-option",
        "recovery.distil",
        "settings",
        "option of --distil, such as tokens=131072, which it implies; may be repeated",
        "NAME=VALUE",
    ),
    Option(
        "swaps",
        "swaps",
        "integer",
        "exchange kept for pruned weights while that lowers the error, at most N times in a row",
        "N",
    ),
    Option(
        "order", "order", "text", "measure inputs after each pruned block (blocks, default) or layer (layers)"
    ),
    Option("calibration", "calibration.dataset", "text", "text to calibrate on (default c4)", "DATASET"),
    Option(
        "mix",
        "calibration.datasets",
        "mix",
        "one of several texts to calibrate on, in place of --calibration; may be repeated",
        "DATASET=WEIGHT",
    ),
    Option("samples", "calibration.samples", "integer", "calibration windows (default 128)", "N"),
    Option(
        "sequence-length",
        "calibration.sequence_length",
        "integer",
        "tokens per calibration window (default 2048, or the model's context if shorter)",
        "N",
    ),
    Option("seed", "calibration.seed", "integer", "seed of the calibration draw (default 0)", "N"),
    Option(
        "add-bos-token",
        "calibration.add_bos_token",
        "flag",
        "begin each calibration window with the token that the tokenizer puts before a text (Gemma)",
    ),
    Option(
        "dtype",
        "dtype",
        "text",
        "precision of the computation: auto (default), float64, float32, bfloat16, float16",
    ),
    Option(
        "evaluation",
        "evaluation.dataset",
        "texts",
        "text to measure on (default wikitext2); with a name that of a domain as well: code=builtin-code",
        "[NAME=]DATASET",
    ),
    Option(
        "evaluation-windows",
        "evaluation.windows",
        "integer",
        "evaluate the first N windows only (default all)",
        "N",
    ),
    Option(
        "evaluation-length",
        "evaluation.sequence_length",
        "integer",
        "tokens per evaluation window (default 2048, or the model's context if shorter)",
        "N",
    ),
    Option(
        "evaluation-add-bos-token",
        "evaluation.add_bos_token",
        "flag",
        "begin each evaluation window with the token that the tokenizer puts before a text (Gemma)",
    ),
    Option("task", "evaluation.tasks", "list", "zero-shot task, such as hellaswag; may be repeated", "TASK"),
    Option(
        "task-limit",
        "evaluation.task_limit",
        "integer",
        "use the first N examples of each task only (default all)",
        "N",
    ),
    Option(
        "speed",
        "evaluation.speed",
        "text",
        "measure tokens per second next to the dense model: on, off, auto (default: of smaller models only)",
    ),
)


def request_body(given: Mapping[str, Any]) -> dict[str, Any]:
    """Build the body of a job request from options.

    Parameters
    ----------
    given
        Values by option name (`sequence-length`); an option that is None or missing is omitted from the body.
        Values of `settings` and `mix` are lists of the texts `NAME=VALUE` as typed.

    Returns
    -------
    dict
        Nested as JSON has it. What the values mean is for the recipe to judge, which names the field of each
        value that it refuses.
    """
    body: dict[str, Any] = {}
    for option in OPTIONS:
        value = given.get(option.name)
        if value is None:
            continue
        *parents, last = option.field.split(".")
        place = body
        for parent in parents:
            place = place.setdefault(parent, {})
        if option.kind == "texts":
            by_domain = dict(map(domain_and_text, value))
            place |= {last: by_domain.pop("")} if "" in by_domain else {}
            place |= {"domains": by_domain} if by_domain else {}
        elif option.kind == "settings":
            before = place.get(last)
            # A flag and its options share a place; the options replace the flag.
            place[last] = (before if isinstance(before, dict) else {}) | dict(map(_setting, value))
        else:
            place[last] = [_weighted(text) for text in value] if option.kind == "mix" else value
    return body


_OF_DOMAIN = re.compile(r"([a-z][a-z0-9-]*)=(.+)")


def domain_and_text(text: str) -> tuple[str, str]:
    """Return both sides of `NAME=DATASET`; the name is empty for a dataset alone."""
    found = _OF_DOMAIN.fullmatch(text)
    return (found[1], found[2]) if found else ("", text)


def _setting(text: str) -> tuple[str, Any]:
    """`NAME=VALUE`, the value read as JSON where it is, and as a string otherwise."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _weighted(text: str) -> dict[str, Any]:
    """`DATASET=WEIGHT`; the weight may be left out. The recipe refuses a weight that is not a number."""
    dataset, equals, weight = text.rpartition("=")
    if not equals:
        return {"dataset": text}
    try:
        return {"dataset": dataset, "weight": float(weight)}
    except ValueError:
        return {"dataset": dataset, "weight": weight}
