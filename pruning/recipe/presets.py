"""Presets: names for whole combinations of options. A recipe never holds the name, but the options.

docs/methods.md says how they were found, what they give and what they cost.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pruning.recipe.datasets import DEFAULT_SEQUENCE_LENGTH, Calibration
from pruning.recipe.fields import implies_sparsity


@dataclass(frozen=True)
class Preset:
    """A named combination of options, given in the place of a method."""

    about: str  # effect and cost, for the form and the help
    options: Mapping[str, Any]  # fields of a recipe
    unstructured: Mapping[str, Any]  # and where the pattern is not N:M
    decides: tuple[str, ...] = (
        "allocation",
        "refit",
        "order",
    )  # fields that a request may not set
    adjustable: tuple[str, ...] = ()  # dotted fields of `decides` that it may set


_BEST: Mapping[str, Any] = {
    "method": {"name": "admm"},
    "allocation": {"name": "uniform"},
    "refit": {"toward": 0.5, "iterations": 8},
    "order": "layers",
}
# With 16 windows of 512 tokens the best ridge was 4, with 64 it was 1: it falls with the text, in addition to
# the effect of inputs ÷ tokens.
_RIDGE, _OF_TOKENS = 4.0, 8_192
_GUIDED: Mapping[str, Any] = {"allocation": {"name": "gradient", "band": 0.35}}

PRESETS: Mapping[str, Preset] = {
    "best": Preset(
        "The one-shot combination with the best measured perplexity. Computes gradients, and solves for the "
        "kept weights of each layer: the slowest without a training, 13 times as long as Wanda.",
        _BEST,
        _GUIDED,
    ),
    "recovered": Preset(
        "As best, and then kept weights are trained towards the dense model on 131,072 tokens, once: no "
        "longer one-shot, and the slowest, about 60 times as long as Wanda.",
        {**_BEST, "recovery": {"distil": {"tokens": 131_072}}},
        _GUIDED,
        decides=("allocation", "refit", "order", "recovery"),
        adjustable=("recovery.distil.tokens",),
    ),
}
"""By name, from the cheapest on."""


def expand_preset(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace a preset's name in a recipe's `method` by the preset's options.

    Raises ValueError if the fields set an option that the preset decides and that is not adjustable.
    """
    method = fields.get("method")
    options = {"name": method} if isinstance(method, str) else method
    name = options.get("name") if isinstance(options, Mapping) else None
    preset = PRESETS.get(name) if isinstance(name, str) else None
    if preset is None or not isinstance(options, Mapping):
        return fields
    if own := ", ".join(str(option) for option in options if option != "name"):
        raise ValueError(
            f"the preset '{name}' decides the options of its method; leave out {own}, or name a "
            "method instead"
        )
    given = {decided: fields[decided] for decided in preset.decides if decided in fields}
    for decided, value in given.items():
        if not set(_leaf_paths(decided, value)) <= set(preset.adjustable):
            but = [f" but for {path}" for path in preset.adjustable if path.startswith(f"{decided}.")]
            what = f"{decided}{''.join(but)}"
            raise ValueError(f"the preset '{name}' decides {what}; leave it out, or name a method instead")
    guided = {} if implies_sparsity(fields.get("pattern")) else preset.unstructured
    with_ridge = _with_ridge(preset.options, fields.get("calibration", {}))
    return {**fields, **preset.options, **with_ridge, **guided, **given}


def _leaf_paths(name: str, value: object) -> Iterator[str]:
    """Yield the dotted paths of the values in an object."""
    if isinstance(value, Mapping) and value:
        for inner, one in value.items():
            yield from _leaf_paths(f"{name}.{inner}", one)
    else:
        yield name


def _with_ridge(options: Mapping[str, Any], calibration: object) -> Mapping[str, Any]:
    """Return a preset's method and refit with the ridge for so much text.

    The length of a window is the request's or the default one: that of the model is not known here.
    """
    try:
        text = Calibration.model_validate(calibration)
    except ValidationError:  # the recipe is refused, with the field's name
        return {}
    tokens = text.samples * (text.sequence_length or DEFAULT_SEQUENCE_LENGTH)
    ridge = _RIDGE * min(1.0, _OF_TOKENS / tokens)
    return {name: {**options[name], "ridge": ridge} for name in ("method", "refit")}
