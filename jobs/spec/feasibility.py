"""Requests that are certain to fail, by the request and the model's config.json alone.

These are cuts of what the model does not have, and training on a text that is too short. A worker refuses
them in the same words. A config that says less proves nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pruning.recipe import UNIT_KINDS, Recipe, StructureOptions, UnitKind
from pruning.recipe.datasets import DEFAULT_SEQUENCE_LENGTH
from pruning.recipe.recovery import HELD_OUT_WINDOWS
from pruning.recipe.units import count_of

BUILTIN_TOKENS = 40_000
"""What a request may count on: the built-in text has over 200,000 characters, at most five to a token."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A field of the request with which the job is certain to fail, and why."""

    field: str
    message: str
    value: str | int | None = None
    """What the field says; None where the message says it."""


def structure_faults(structure: StructureOptions, config: dict[str, Any]) -> Iterator[Fault]:
    """Yield the blocks and units of which there are not as many, as far as the config says it."""
    if (blocks := count_of(config.get("num_hidden_layers"))) is not None:
        try:
            structure.blocks_left(blocks)
        except ValueError as error:
            yield Fault("structure.blocks", str(error))
    for name, kind in UNIT_KINDS.items():
        if structure.amount(name) is not None and (reason := _refused_units(structure, kind, config)):
            yield Fault(f"structure.{name}", reason)


def _refused_units(structure: StructureOptions, kind: UnitKind, config: dict[str, Any]) -> str | None:
    if (reason := kind.always_refused(config)) is not None:
        return reason
    dense = kind.count(config)
    if dense is None:
        return None
    try:
        _, kept = structure.left(kind.name, dense)
    except ValueError as error:
        return str(error)
    return kind.reason_against(kept, dense, config, (structure.amount(kind.name) or 0) < 1)


def training_text_faults(recipe: Recipe) -> Iterator[Fault]:
    """Yield why the built-in text is too short to train on, with a number of tokens that works."""
    if recipe.distil is None:
        return
    calibrated_on = {share.dataset for share in recipe.calibration.shares}
    if ({recipe.distil.dataset} if recipe.distil.dataset else calibrated_on) != {"builtin"}:
        return
    # Left out, it may be less, for a model of a shorter context; such a request must name it.
    length = recipe.calibration.sequence_length or DEFAULT_SEQUENCE_LENGTH
    windows = BUILTIN_TOKENS // length - HELD_OUT_WINDOWS
    if windows < 1:
        yield Fault(
            "calibration.sequence_length",
            f"must be at most {BUILTIN_TOKENS // (HELD_OUT_WINDOWS + 1)} to train on the built-in text: it "
            f"has about {BUILTIN_TOKENS} tokens, of which {HELD_OUT_WINDOWS} windows are held out; or name "
            "another text in recovery.distil.dataset",
            length,
        )
    elif recipe.distil.tokens > windows * length:
        yield Fault(
            "recovery.distil.tokens",
            f"must be at most {windows * length}: the built-in text has about {BUILTIN_TOKENS} tokens, of "
            f"which {HELD_OUT_WINDOWS} windows of {length} are held out; ask for fewer, for a shorter "
            "calibration.sequence_length, or name another text in recovery.distil.dataset",
            recipe.distil.tokens,
        )
