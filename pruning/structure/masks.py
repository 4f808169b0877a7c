"""Where the tensors of a model hold what a cut leaves, as masks; and what they hold after it."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.structure.plan import UnitPlan
from pruning.structure.results import CutBlock
from pruning.structure.units import Units


def kept_masks(
    skeleton: PreTrainedModel, units_of_block: Sequence[tuple[UnitPlan, Units]], cut: CutBlock
) -> dict[str, Tensor]:
    """Return which elements of a block's parameters stay, bool in the dense shape, by parameter name.

    Only of parameters that lose some. `skeleton`: the dense model, which may be without weights.
    """
    parameters = skeleton.state_dict()
    masks: dict[str, Tensor] = {}
    for _, own in units_of_block:
        gone = own.removed(cut.kept[own.kind])
        for place, units in own.places(gone):
            mask = masks.setdefault(
                place.parameter, torch.ones(parameters[place.parameter].shape, dtype=torch.bool)
            )
            place.of(mask).index_fill_(place.dimension, place.positions(units), False)
    return masks


def shape_after(mask: Tensor) -> tuple[int, ...]:
    """Return the shape of what stays: of the first dimension, and along the others of each line.

    Experts that are stacked may each keep other channels, but as many.
    """
    first = mask.flatten(1).any(dim=1) if mask.ndim > 1 else mask
    others = (int(mask.sum(dim=dimension).max()) for dimension in range(1, mask.ndim))
    return (int(first.sum()), *others)


def taken(tensor: Tensor, mask: Tensor) -> Tensor:
    """Return what stays of a tensor, in its order: (…) of `shape_after`."""
    return tensor[mask].view(shape_after(mask))
