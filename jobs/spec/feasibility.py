"""Requests that are certain to fail, by the request and the model's config.json alone.

These are cuts of what the model does not have. A worker refuses them in the same words. A config that says
less proves nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pruning.recipe import UNIT_KINDS, StructureOptions, UnitKind
from pruning.recipe.units import count_of


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
