"""The fields of the form for a new job, derived from the types of the request.

A field is named by its dotted path in the request, and has the bounds, default and description of its type. A
field that is left empty is left out of the request, so that it has the default.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel

from pruneserve_client.quantities import amount, number, share, size

Kind = Literal[
    "text",
    "number",
    "integer",
    "share",
    "amount",
    "size",
    "choice",
    "flag",
    "list",
    "shares",
    "pairs",
    "weighted",
]

_NAMED_WITH_PARENT = (
    *("model", "refit", "layers", "allocation", "structure"),
    *("blocks", "distil", "recovery"),
)
_UNBOUNDED = 1e6
_SHARE = re.compile(r"\b(share|sparsity)\b", re.IGNORECASE)
_INCREASE = "max_perplexity_increase"  # a share that may be more than all
_SEPARATOR = re.compile(r"[,\n]")


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of the form. Default and bounds are as people would type them; empty if there is none."""

    name: str
    kind: Kind
    default: str
    description: str
    choices: tuple[str, ...] = ()
    minimum: str = ""
    maximum: str = ""
    title: str = ""

    @property
    def label(self) -> str:
        """The title; without one the field's own name, or its parent's if that only holds a choice."""
        if self.title:
            return self.title
        path, _, last = self.name.rpartition(".")
        parent = path.rpartition(".")[2]
        words = (
            parent
            if parent and last == "name"
            else f"{parent} {last}"
            if parent in _NAMED_WITH_PARENT
            else last
        )
        return words.replace("_", " ").capitalize()

    @property
    def top(self) -> str:
        """The field of the request that it is a part of."""
        return self.name.partition(".")[0]

    @property
    def hint(self) -> str:
        """The description with the bounds and the default."""
        bounds = self._bounds
        default = f"default {self.default}" if self.default and self.kind not in ("choice", "flag") else ""
        limits = ", ".join(filter(None, (bounds, default)))
        return f"{self.description} {limits[:1].upper()}{limits[1:]}{'.' if limits else ''}".strip()

    @property
    def _bounds(self) -> str:
        if not self.minimum or not self.maximum:
            return ""
        least, most = _grouped(self.minimum), _grouped(self.maximum)
        # Beyond that, the limit only keeps out what is no number that anybody means.
        bounds = f"from {least} up" if float(self.maximum) >= _UNBOUNDED else f"{least} to {most}"
        also = {"share": ", or in percent", "size": ", such as 200MB"}
        return f"{bounds}{also.get(self.kind, '')}"

    def refusal(self, text: str) -> str:
        """Return what to write in place of a text that cannot be read; empty for any other text."""
        try:
            if text.strip():
                self._read(text.strip())
        except ValueError as error:
            return str(error)
        return ""

    def parsed(self, text: str) -> object:
        """Return what was typed as a value of the request. Text that cannot be read stays text.

        The types of the request are strict, and refuse it.
        """
        try:
            return self._read(text)
        except ValueError:
            return text

    def _read(self, text: str) -> object:
        """Return what was typed as a value of the request. Raises ValueError."""
        if self.kind in _QUANTITIES:
            return _QUANTITIES[self.kind](text)
        parts = [part.strip() for part in _SEPARATOR.split(text) if part.strip()]
        match self.kind:
            case "flag":
                return text == "true"
            case "list" | "shares" | "weighted":
                return [_ITEMS[self.kind](part) for part in parts]
            case "pairs":
                return dict(_pair(part, self.name) for part in parts)
        return text

    def written(self, value: object) -> str:
        """Return a value of the request as people would type it."""
        if self.kind == "flag":
            return "true" if value or value == {} else ""
        match value:
            case float() if value > 1 and self.kind == "share":
                return f"{Decimal(str(value)).scaleb(2):f}%"
            case list() if self.kind == "weighted":
                return ", ".join(f"{item['dataset']}={item['weight']:g}" for item in value)
            case list():
                return ", ".join(map(str, value))
            case dict():
                return ", ".join(f"{name}={inner}" for name, inner in value.items())
            case _:
                return str(value)


@cache  # by types and names of the code's own; a schema takes pydantic milliseconds, and a page needs a dozen
def fields_of(model: type[BaseModel], prefix: str = "", *names: str) -> tuple[FormField, ...]:
    """Return the fields of a type, or those with the given names in that order."""
    schema = model.model_json_schema()
    return tuple(
        field
        for name in names or schema["properties"]
        if (field := _field(f"{prefix}{name}", schema["properties"][name], schema.get("$defs", {})))
    )


def request_body(fields: Iterator[FormField], typed: Mapping[str, str]) -> dict[str, Any]:
    """Return the request that the form describes."""
    body: dict[str, Any] = {}
    for field in fields:
        text = typed.get(field.name, "").strip()
        if not text:
            continue
        *parents, last = field.name.split(".")
        place = body
        for parent in parents:
            # A flag and its options share a place; the options replace the flag.
            if not isinstance(place.get(parent), dict):
                place[parent] = {}
            place = place[parent]
        place[last] = field.parsed(text)
    return body


def typed_as(fields: Iterator[FormField], body: Mapping[str, Any]) -> dict[str, str]:
    """Return what people would type for this request."""
    typed = {}
    for field in fields:
        value: Any = body
        for step in field.name.split("."):
            # "org/name" is short for {"id": "org/name"}, as a method's name is for the method.
            short = isinstance(value, str) and step in ("id", "name")
            value = value if short else value.get(step) if isinstance(value, Mapping) else None
        if value is not None:
            typed[field.name] = field.written(value)
    return typed


def _field(name: str, schema: dict[str, Any], types: dict[str, Any]) -> FormField | None:
    inner = _concrete(schema, types)
    kind = "weighted" if "weight" in _parts(inner, types) else _kind(name, schema, inner)
    if kind is None:
        return None
    return FormField(
        name=name,
        kind=kind,
        default=_default(schema.get("default")),
        description=str(schema.get("description", "")).replace("`", ""),
        choices=tuple(map(str, inner.get("enum", ()))),
        minimum=_bound(inner, "minimum", "exclusiveMinimum"),
        maximum=_bound(inner, "maximum", "exclusiveMaximum"),
    )


def _default(value: object) -> str:
    if value is None or isinstance(value, bool | list | dict):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _concrete(schema: dict[str, Any], types: dict[str, Any]) -> dict[str, Any]:
    """Return the type of a field that is nullable or a reference."""
    if "$ref" in schema:
        return _concrete(types[schema["$ref"].rpartition("/")[2]], types)
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return _concrete(options[0], types) if len(options) == 1 else schema


def _parts(schema: dict[str, Any], types: dict[str, Any]) -> Mapping[str, Any]:
    """Return the fields of the items, for an array of objects."""
    parts: Mapping[str, Any] = _concrete(schema.get("items", {}), types).get("properties", {})
    return parts


def _kind(name: str, schema: dict[str, Any], inner: dict[str, Any]) -> Kind | None:
    if "enum" in inner:
        return "choice"
    kind = _KINDS.get(inner.get("type", ""))
    if kind == "integer" and name.endswith("_bytes"):
        return "size"
    if kind == "number" and name.endswith(_INCREASE):
        return "share"
    # A learning rate is below 1, but no share; of a share or a number of units, both are accepted.
    if kind == "number" and _SHARE.search(schema.get("description", "")):
        return "share" if inner.get("maximum", inner.get("exclusiveMaximum", math.inf)) <= 1 else "amount"
    return kind


_QUANTITIES: dict[Kind, Callable[[str], float]] = {
    "number": number,
    "integer": number,
    "share": share,
    "amount": amount,
    "size": size,
}
_KINDS: dict[str, Kind] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "flag",
    "array": "list",
    "object": "pairs",
}


def _bound(schema: dict[str, Any], *names: str) -> str:
    return next((f"{schema[name]:.10g}" for name in names if name in schema), "")


def _grouped(bound: str) -> str:
    """Format a number with separators."""
    return f"{float(bound):,.10g}"


def _weighted(part: str) -> dict[str, object]:
    """Parse a dataset, and its weight after the last `=`."""
    dataset, equals, weight = (side.strip() for side in part.rpartition("="))
    return {"dataset": dataset, "weight": number(weight)} if equals else {"dataset": part}


_ITEMS: dict[Kind, Callable[[str], object]] = {"list": str, "shares": share, "weighted": _weighted}


def _pair(part: str, name: str) -> tuple[str, object]:
    key, _, value = (side.strip() for side in part.partition("="))
    if name == "labels":
        return key, value
    if name == "gate.min_zero_shot":
        return key, share(value)
    return key, size(value) if key.endswith("_bytes") else number(value)
