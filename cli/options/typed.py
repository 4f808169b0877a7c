"""What was typed and cannot be read, in words of the command line: what is accepted, and what was given."""

from typing import Any

import typer
from pydantic import ValidationError

from pruneserve_client.quantities import shown

# The kinds of pydantic's errors, which say how the text was parsed, by what the option takes.
_KINDS = (
    ("int_", "a whole number"),
    ("float_", "a number"),
    ("datetime_", "a date or a time such as 2026-03-01 or 2026-03-01T18:30"),
    ("uuid_", "an id"),
)
_OUT_OF_RANGE = frozenset({"greater_than_equal", "less_than_equal"})
# Names of values in the help that say what is counted.
_UNITS = {"SECONDS": " of seconds"}


def accepted(error: typer.BadParameter) -> str:
    """Return what is wrong with an argument or an option, without the words of what parsed it."""
    if not isinstance(error.__cause__, ValidationError):
        return str(error.message)
    found = error.__cause__.errors(include_url=False)[0]
    kind = _kind(found["type"], error.param)
    return f"write {kind}, not {shown(found['input'])}" if kind else str(error.message)


def _kind(error: str, param: Any) -> str | None:  # noqa: ANN401 - typer does not export its parameters' type
    described = getattr(param, "type_descriptor", None)
    if described is None:
        return None
    if error in _OUT_OF_RANGE:
        kind = "a whole number" if described.annotation is int else "a number"
    else:
        kind = next((words for start, words in _KINDS if error.startswith(start)), "")
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
