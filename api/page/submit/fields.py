"""Fields of the form for a new job: each is a path in the request, and reads and writes text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pruneserve_client.quantities import amount, number, share

Kind = Literal["text", "choice", "flag", "number", "share", "amount", "list", "pairs", "json"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its dotted path in the request, and what the form says of it."""

    path: str
    title: str
    hint: str
    kind: Kind = "text"
    placeholder: str = ""
    choices: tuple[str, ...] = ()
    listed: str = ""
    """The list of suggestions in the page, by its id."""

    def read(self, text: str) -> object:
        """Return the value of the request for a text. Raises ValueError, with what to write."""
        return _READ.get(self.kind, str)(text.strip())

    def write(self, value: object) -> str | None:
        """Return the text that is read as this value; None where the field cannot say it."""
        text: str | None = None
        match self.kind, value:
            case "flag", True:
                text = "true"
            case (("choice" | "text"), str()) if value in (self.choices or (value.strip(),)):
                text = value
            case (("number" | "amount" | "share"), int() | float()) if not isinstance(value, bool):
                is_share = self.kind == "share" or (self.kind == "amount" and value < 1)
                text = as_percent(value) if is_share else str(value)
            case "list", list():
                text = ", ".join(value)
            case "pairs", dict() if not any("," in text or "=" in text for text in value.values()):
                text = ", ".join(f"{name}={text}" for name, text in value.items())
        return text


def as_percent(value: float) -> str:
    """Write a share in percent, exactly."""
    return f"{Decimal(str(value)).scaleb(2).normalize():f}%"


def put(body: dict[str, Any], path: str, value: object) -> None:
    """Set a value in a request. A name in the place of an object becomes that object's name."""
    *parents, last = path.split(".")
    for parent in parents:
        inner = body.get(parent)
        short = {"id" if parent == "model" else "name": inner} if isinstance(inner, str) else {}
        if not isinstance(inner, dict):
            body[parent] = short
        body = body[parent]
    body[last] = value


def take(body: dict[str, Any], path: str, field: Field) -> str | None:
    """Take a value out of a request and return it as text; None where it is not there or has no text."""
    first, _, rest = path.partition(".")
    value = body.get(first)
    if rest in ("id", "name") and isinstance(value, str):
        rest = ""
    if rest:
        text = take(value, rest, field) if isinstance(value, dict) else None
        if text is not None and not value:
            del body[first]
        return text
    text = None if value is None else field.write(value)
    if text is not None:
        del body[first]
    return text


def _pairs(text: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


_READ: Mapping[Kind, Callable[[str], object]] = {
    "flag": lambda text: text == "true",
    "number": number,
    "share": share,
    "amount": amount,
    "list": lambda text: [part.strip() for part in text.split(",") if part.strip()],
    "pairs": _pairs,
}
