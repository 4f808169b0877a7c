"""Presets: names for whole combinations of options. A recipe never holds the name, but the options."""

from collections.abc import Mapping
from typing import Any

from pruning.recipe.fields import implies_sparsity

BEST = "best"

_DECIDED_BY_BEST = ("allocation", "refit", "order")


def expanded(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace `method: "best"` in a recipe's fields by the options that measured best.

    These are ADMM support and a refit half toward the dense model, layer by layer, and an allocation guided
    by gradients if the pattern allows one. docs/methods.md says how they were found and what they cost.
    Raises ValueError if the fields set an option that the preset decides.
    """
    if fields.get("method") not in (BEST, {"name": BEST}):
        return fields
    for name in _DECIDED_BY_BEST:
        if name in fields:
            raise ValueError(f"the preset '{BEST}' decides {name}; leave it out, or name a method instead")
    uniform = implies_sparsity(fields.get("pattern"))
    allocation = {"name": "uniform"} if uniform else {"name": "gradient", "band": 0.35}
    return {
        **fields,
        "method": {"name": "admm"},
        "allocation": allocation,
        "refit": {"toward": 0.5, "iterations": 8},
        "order": "layers",
    }
