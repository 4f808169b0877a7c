"""Names for whole combinations. A recipe never holds one: what it stands for is spelt out instead."""

from collections.abc import Mapping
from typing import Any

from pruning.recipe.fields import group_of

BEST = "best"

_DECIDED_BY_BEST = ("allocation", "refit", "order")


def expanded(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """A recipe's fields with `method: "best"` replaced by the explicit options that measured best.

    ADMM support and a refit half toward the dense model, layer by layer; where the pattern leaves the
    allocation open, guided by gradients too. How it was found and what it costs is in docs/methods.md. Raises
    ValueError where the fields say otherwise.
    """
    if fields.get("method") not in (BEST, {"name": BEST}):
        return fields
    for name in _DECIDED_BY_BEST:
        if name in fields:
            raise ValueError(f"the preset '{BEST}' decides {name}; leave it out, or name a method instead")
    pattern = fields.get("pattern")
    open_allocation = not isinstance(pattern, str) or group_of(pattern) is None
    allocation = {"name": "gradient", "band": 0.35} if open_allocation else {"name": "uniform"}
    return {
        **fields,
        "method": {"name": "admm"},
        "allocation": allocation,
        "refit": {"toward": 0.5, "iterations": 8},
        "order": "layers",
    }
