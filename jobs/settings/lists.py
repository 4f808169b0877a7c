"""Lists of values in one environment variable."""

from typing import Annotated, TypeVar

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

_Value = TypeVar("_Value")


def _split_on_colons(value: object) -> object:
    return tuple(part for part in value.split(":") if part) if isinstance(value, str) else value


def _split_on_commas(value: object) -> object:
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


ByColons = Annotated[tuple[_Value, ...], NoDecode, BeforeValidator(_split_on_colons)]
"""Values separated by `:`."""

ByCommas = Annotated[tuple[_Value, ...], NoDecode, BeforeValidator(_split_on_commas)]
"""Values separated by `,`, for those that may have a `:` in them."""
