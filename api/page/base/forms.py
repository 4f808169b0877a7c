"""What HTML forms send."""

from typing import Any


def without_empty(sent: dict[str, Any]) -> dict[str, Any]:
    """Drop the fields that were left empty: a form sends the empty string for them."""
    return {name: value for name, value in sent.items() if value not in ("", [""])}
