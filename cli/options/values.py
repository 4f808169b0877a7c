"""Values as users type them: the options that set a field of a job request, and their parsers."""

import inspect
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from pruneserve_client import user_input
from pruneserve_client.user_input import quoted


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
    of_domain: str | None = None
    """The field that NAME=VALUE sets, such as `gate.domains.*.max_kl`, in which `*` is the domain's name."""

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
        kind = KINDS[self.kind] if self.of_domain is None else _by_domain(KINDS[self.kind])
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
        raise typer.BadParameter(f"write NAME=VALUE, not {quoted(text)}")
    return name, value


def setting(text: str) -> tuple[str, Any]:
    """Return both sides of `name=value`; the value is a share such as 25%, JSON, or else a string."""
    name, value = pair(text)
    return name, share(value) if value.endswith("%") else json_or_text(value)


def json_or_text(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON value of the text, or else the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    try:
        # Python reads NaN, Infinity and 1e999, which JSON cannot carry.
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise typer.BadParameter(f"write finite numbers, not {quoted(text)}") from None
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


number, share, size = (read_as(read) for read in (user_input.number, user_input.share, user_input.size))

KINDS = {
    "text": Kind(str),
    "texts": Kind(str),
    "integer": Kind(int),
    "number": Kind(float, number),
    "share": Kind(float, share),
    "list": Kind(list[str]),
    "settings": Kind(list[Any], setting),
    "labels": Kind(list[Any], pair),
}


_DOMAIN = re.compile(r"([a-z][a-z0-9-]*)=(.+)")


def _by_domain(kind: Kind) -> Kind:
    """Return the kind of an option that may be repeated, of pairs of a domain, or nothing, and a value."""

    def parser(text: str) -> tuple[str, Any]:
        found = _DOMAIN.fullmatch(text)
        name, value = found.groups() if found else ("", text)
        return name, kind.parser(value) if kind.parser else value

    return Kind(list[Any], parser)


# What an option expects, by the beginning of the type of pydantic's error.
_EXPECTED = (
    ("int_", "a whole number"),
    ("float_", "a number"),
    ("datetime_", "a date or a time such as 2026-03-01 or 2026-03-01T18:30"),
    ("uuid_", "an id"),
)
_OUT_OF_RANGE = frozenset({"greater_than_equal", "less_than_equal"})
# Units, by the metavar of the option.
_UNITS = {"SECONDS": " of seconds"}


def describe_bad_parameter(error: typer.BadParameter) -> str:
    """Return what is wrong with an argument or an option, without the words of what parsed it."""
    if not isinstance(error.__cause__, ValidationError):
        return str(error.message)
    found = error.__cause__.errors(include_url=False)[0]
    kind = _expected(found["type"], error.param)
    return f"write {kind}, not {quoted(found['input'])}" if kind else str(error.message)


def _expected(error: str, param: Any) -> str | None:  # noqa: ANN401 - typer does not export its parameters' type
    described = getattr(param, "type_descriptor", None)
    if described is None:
        return None
    if error in _OUT_OF_RANGE:
        kind = "a whole number" if described.annotation is int else "a number"
    else:
        kind = next((words for start, words in _EXPECTED if error.startswith(start)), "")
    if not kind:
        return None
    return f"{kind}{_UNITS.get(param.metavar, '')}{_range(described.parameter_info)}"


def _range(info: Any) -> str:  # noqa: ANN401 - as above
    least, most = getattr(info, "min", None), getattr(info, "max", None)
    if least is None and most is None:
        return ""
    if most is None:
        return f" of at least {least}"
    return f" of at most {most}" if least is None else f" from {least} to {most}"
