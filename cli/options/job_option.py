"""One option that sets a field of a job request, and how its value is read."""

import inspect
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.options.typed import shown


@dataclass(frozen=True)
class JobOption:
    """An option of the command line, and the field of a job request that it sets."""

    name: str
    """Without the dashes."""
    field: str
    """Dotted, such as `calibration.samples`."""
    kind: str
    """What the option takes: a key of `KINDS`."""
    help: str
    metavar: str | None = None
    short: str | None = None

    @property
    def variable(self) -> str:
        """The name as a Python identifier."""
        return self.name.replace("-", "_")

    @property
    def merged(self) -> bool:
        """Whether the values are added to those of a job's file, rather than replacing them."""
        return self.kind in ("settings", "labels")

    def parameter(self) -> inspect.Parameter:
        """Return the parameter of a typer command for this option."""
        kind = KINDS[self.kind]
        flags = (f"--{self.name}", *([f"-{self.short}"] if self.short else ()))
        option = typer.Option(
            *flags,
            parser=kind.parser,
            metavar=self.metavar or self.variable.upper(),
            help=f"{self.help[0].upper()}{self.help[1:]}.",
            show_default=False,
        )
        return inspect.Parameter(
            self.variable,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[kind.type | None, option],
        )

    def value(self, given: Any) -> Any:  # noqa: ANN401 - options of every type
        """Return the field's value for what typer has parsed."""
        return dict(given) if self.kind in ("settings", "labels", "scores") else given


@dataclass(frozen=True)
class Kind:
    """A type of typer, and the parser of each value where typer has none."""

    type: Any
    parser: Callable[[str], Any] | None = None


def pair(text: str) -> tuple[str, str]:
    """Return both sides of `name=value`."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise typer.BadParameter(f"write NAME=VALUE, not {shown(text)}")
    return name, value


def setting(text: str) -> tuple[str, Any]:
    """Return both sides of `name=value`; the value is read as JSON, or else as a string."""
    name, value = pair(text)
    return name, json_or_text(value)


def json_or_text(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON value that the text stands for, or else the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    try:
        # Python reads NaN, Infinity and 1e999, which JSON cannot carry.
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise typer.BadParameter(f"write finite numbers, not {shown(text)}") from None
    return value


def finite(value: float | None) -> float | None:
    """Return the value of an option, unless it is infinite or not a number."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"write a finite number, not {value}")
    return value


def number(text: str) -> float:
    """Return the finite number that the text stands for."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise typer.BadParameter(f"write a finite number, not {shown(text)}")
    return value


def share(text: str) -> float:
    """Return `5%` or `0.05` as 0.05. A plain 5, which may mean either of 5% and 500%, is refused."""
    digits, percent, rest = text.partition("%")
    try:
        value = number(digits)
    except typer.BadParameter:
        raise typer.BadParameter(f"write a share like 5% or 0.05, not {shown(text)}") from None
    if rest.strip():
        raise typer.BadParameter(f"write a share like 5% or 0.05, not {shown(text)}")
    if value > 1 and not percent:
        raise typer.BadParameter(
            f"{shown(text)} may mean two things: write {value:g}% or {value / 100:g}, or else "
            f"{value * 100:g}%"
        )
    return value / 100 if percent else value


_UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def size(text: str) -> int:
    """Return `1GB`, `500 MB` or `1000000000` as a number of bytes; units are decimal."""
    digits = text.strip().upper().removesuffix("B")
    unit = digits[-1:] if digits[-1:] in _UNITS else ""
    try:
        value = number(digits.removesuffix(unit)) * _UNITS[unit]
    except typer.BadParameter:
        value = math.inf
    if not 1 <= value < math.inf:
        raise typer.BadParameter(f"write a size like 1GB, 500MB or 1000000000, not {shown(text)}")
    return round(value)


def score(text: str) -> tuple[str, float]:
    """Return both sides of `task=0.6` or `task=60%`."""
    task, value = pair(text)
    return task, share(value)


def weighted(text: str) -> dict[str, Any]:
    """Return `dataset=weight` as a weighted dataset; the weight may be left out."""
    dataset, equals, weight = text.rpartition("=")
    if not equals:
        return {"dataset": text}
    try:
        return {"dataset": dataset, "weight": number(weight)}
    except typer.BadParameter:
        raise typer.BadParameter(f"write DATASET=WEIGHT with a finite number, not {shown(text)}") from None


KINDS = {
    "text": Kind(str),
    "integer": Kind(int),
    "number": Kind(float, number),
    "share": Kind(float, share),
    "size": Kind(int, size),
    "flag": Kind(bool),
    "list": Kind(list[str]),
    "mix": Kind(list[Any], weighted),
    "settings": Kind(list[Any], setting),
    "scores": Kind(list[Any], score),
    "labels": Kind(list[Any], pair),
}
