"""One option that sets a field of a job request, and how its value is read."""

import inspect
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from pruneserve_client import quantities
from pruneserve_client.quantities import shown


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
        """Whether the option gives single entries of its field, and a recipe may give others."""
        return self.kind in ("settings", "labels")

    def parameter(self) -> inspect.Parameter:
        """Return the parameter of a typer command for this option."""
        kind = KINDS[self.kind]
        flags = (f"--{self.name}", *([f"-{self.short}"] if self.short else ()))
        option = typer.Option(
            *flags,
            parser=kind.parser,
            metavar=self.metavar or self.variable.upper(),
            help=self.help,
            show_default=False,
        )
        return inspect.Parameter(
            self.variable,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[kind.type | None, option],
        )


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
    """Return both sides of `name=value`; the value is a share such as 25%, JSON, or else a string."""
    name, value = pair(text)
    return name, share(value) if value.endswith("%") else json_or_text(value)


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


def read_as(read: Callable[[str], float]) -> Callable[[str], float]:
    """Return a parser of typer's for what `quantities` reads."""

    def parser(text: str) -> float:
        try:
            return read(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parser


number, share, size = (read_as(read) for read in (quantities.number, quantities.share, quantities.size))

KINDS = {
    "text": Kind(str),
    "integer": Kind(int),
    "number": Kind(float, number),
    "share": Kind(float, share),
    "list": Kind(list[str]),
    "settings": Kind(list[Any], setting),
    "labels": Kind(list[Any], pair),
}
