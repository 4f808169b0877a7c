"""From scores to masks. A mask is True where a weight goes; the lowest scores go.

All functions take scores (outputs, inputs) and compare only within a group: an output row, a whole matrix,
or M consecutive inputs of a row. Ties go to the lowest index first, unless a function says otherwise.
"""

from typing import Literal

import torch
from torch import Tensor

from pruning.recipe import group_of

ComparisonGroup = Literal["row", "matrix"]


def select(scores: Tensor, *, pattern: str, sparsity: float, group: ComparisonGroup) -> Tensor:
    """The mask for a pattern of the recipe: bool (outputs, inputs)."""
    kept_of = group_of(pattern)
    if kept_of is not None:
        return lowest_of_each_group(scores, *kept_of)
    if group == "matrix":
        return up_to_threshold(scores, sparsity)
    return lowest_of_each_row(scores, sparsity)


def lowest_of_each_row(scores: Tensor, sparsity: float) -> Tensor:
    """The lowest int(columns × sparsity) of each row, a product of Python floats: bool, shaped like `scores`.

    The same as the head of a stable ascending sort, without the sort: everything under the last score that
    goes, and as many of its equals as are needed, from the left.
    """
    count = int(scores.shape[1] * sparsity)
    if count == 0:
        return torch.zeros_like(scores, dtype=torch.bool)
    last = torch.kthvalue(scores, count, dim=1, keepdim=True).values
    mask = scores <= last
    if torch.any(mask.sum(dim=1) != count):
        below, equal = scores < last, scores == last
        places = count - below.sum(dim=1, keepdim=True)
        mask = below | (equal & (equal.cumsum(dim=1) <= places))
    return mask


def lowest_of_each_group(scores: Tensor, kept: int, size: int) -> Tensor:
    """All but `kept` of every `size` consecutive inputs of a row, the lowest: bool, shaped like `scores`.

    `size` must divide the number of inputs; see `fits`.
    """
    groups = scores.reshape(len(scores), -1, size)
    lowest = groups.argsort(dim=2, stable=True)[..., : size - kept]
    return torch.zeros_like(groups, dtype=torch.bool).scatter_(2, lowest, True).flatten(1)


def up_to_threshold(scores: Tensor, sparsity: float) -> Tensor:
    """All scores of the matrix up to and with the one of rank int(numel × sparsity), counted from 0.

    So one weight more goes than the share says, and with it all its equals: the reference's arithmetic.
    """
    rank = int(scores.numel() * sparsity)
    return scores <= torch.kthvalue(scores.flatten(), rank + 1).values


def fits(pattern: str, inputs: int) -> bool:
    """Whether a layer with so many inputs can have the pattern."""
    kept_of = group_of(pattern)
    return kept_of is None or inputs % kept_of[1] == 0
