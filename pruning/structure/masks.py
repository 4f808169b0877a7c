"""Where the tensors of a model hold what a cut leaves, as masks; and what they hold after it."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.structure.plan import UnitPlan
from pruning.structure.results import CutBlock
from pruning.structure.slices import Units


def kept_masks(
    skeleton: PreTrainedModel, units: Sequence[tuple[UnitPlan, Units]], cut: CutBlock
) -> dict[str, Tensor]:
    """Return which elements of a block's parameters stay, bool in the dense shape, by parameter name.

    Only of parameters that lose some. `skeleton`: the dense model, which may be without weights.
    """
    parameters = skeleton.state_dict()
    masks: dict[str, Tensor] = {}
    for _, own in units:
        gone = own.removed(cut.kept[own.kind])
        for place in own.slices:
            mask = masks.setdefault(
                place.parameter, torch.ones(parameters[place.parameter].shape, dtype=torch.bool)
            )
            mask.index_fill_(place.dimension, place.positions(gone), False)
    return masks


def shape_after(mask: Tensor) -> tuple[int, ...]:
    """Return the shape of what stays: along each dimension, what a line that is not gone keeps."""
    return tuple(int(mask.sum(dim=dimension).max()) for dimension in range(mask.ndim))


def taken(tensor: Tensor, mask: Tensor) -> Tensor:
    """Return what stays of a tensor, in its order: (…) of `shape_after`."""
    return tensor[mask].view(shape_after(mask))
