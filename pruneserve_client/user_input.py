"""What users type into the command line and the form of the page: numbers, shares, sizes, the quick recipe.

Both refuse the same texts. Every function raises ValueError, with a message that says what to write.
"""

import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

QUICK: Mapping[str, Mapping[str, Any]] = {
    "calibration": {"dataset": "builtin", "samples": 16, "sequence_length": 512},
    "evaluation": {"dataset": "builtin", "windows": 16, "sequence_length": 512, "speed": "off"},
}
"""The fields of a job with which a first result takes minutes: few windows of the built-in text."""

_MAX_SHOWN = 80
_MAX_DIGITS = 400  # a number with more fits no field; Python would need minutes to write some of them
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def quoted(value: object) -> str:
    """Return what was typed, in quotes and at most 80 characters of it."""
    text = str(value)
    return repr(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")


def number(text: str) -> float:
    """Return the finite number that the text stands for; an int where it has no point and no exponent."""
    return _number(text, "a finite number")


def whole_number(text: str) -> float:
    """Return what `number` does, whose message asks for a whole one; the server refuses any other."""
    return _number(text, "a whole number")


def _number(text: str, expected: str) -> float:
    value = _decimal(text)
    if value is None:
        raise ValueError(f"write {expected}, not {quoted(text)}")
    return float(value) if "." in text or "e" in text.lower() else int(value)


def share(text: str) -> float:
    """Return `5%` or `0.05` as 0.05. A plain 5, which may mean 5% or 500%, is refused."""
    digits, percent, rest = text.partition("%")
    value = None if rest.strip() else _decimal(digits)
    if value is None:
        raise ValueError(f"write a share like 5% or 0.05, not {quoted(text)}")
    if value > 1 and not percent:
        meant = f"{value:g}% or {float(value / 100):g}" if value < 100 else "a share like 5% or 0.05"
        raise ValueError(f"write {meant}, not {quoted(text)}, which has no percent sign")
    # By decimals, so that 33.3% is the same number as 0.333.
    return float(value.scaleb(-2) if percent else value)


def amount(text: str) -> float:
    """Return a share with a percent sign, and any other number as it is: `25%` of the units, or 4 of them."""
    if "%" in text:
        return share(text)
    return _number(text, "a share such as 25%, or a whole number such as 512")


def size(text: str) -> int:
    """Return `1GB`, `500 MB` or `1000000000` as a number of bytes; units are decimal."""
    digits = text.strip().upper().removesuffix("B")
    unit = digits[-1:] if digits[-1:] in _UNITS else ""
    value = _decimal(digits.removesuffix(unit))
    if value is None or value * _UNITS[unit] < 1:
        raise ValueError(f"write a size like 1GB, 500MB or 1000000000, not {quoted(text)}")
    return round(value * _UNITS[unit])


def _decimal(text: str) -> Decimal | None:
    """Return a number that a float can hold; None for any other text."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value.adjusted()) > _MAX_DIGITS or math.isinf(float(value)):
        return None
    return value
