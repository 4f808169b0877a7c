"""Masks from scores. A mask is True where a weight is pruned, which are the lowest scores of each group.

All functions take scores (outputs, inputs) and compare only within a group: an output row, a whole matrix,
or M consecutive inputs of a row. Of equal scores the lowest index is pruned first, unless a function says
otherwise.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pruning.masks.radix_select import radix_select
from pruning.recipe import group_of

ComparisonGroup = Literal["row", "matrix"]

_MAX_SORTED_COLUMNS = 8
# kthvalue assigns each row to one multiprocessor. Many short rows occupy the whole GPU, and each is read from
# its cache; the single row of a whole matrix would leave all multiprocessors but one idle.
_MAX_RADIX_ROWS = 32

SPARSITY_TOLERANCE = 0.001
"""By how much `lowest_of_row_totals` may miss a sparsity before it searches on."""

_LOWEST_PART, _FIRST_PART, _HIGHEST_PART = 0.0, 0.4, 0.8


@dataclass(frozen=True)
class LayerTarget:
    """The pattern of a layer's zeros, and their number.

    Attributes
    ----------
    pattern
        `unstructured` or `N:M`.
    sparsity
        The share of zeros.
    zeros
        The exact number of zeros. None: the method rounds `sparsity` to whole weights.
    """

    pattern: str
    sparsity: float
    zeros: int | None = None


def select(scores: Tensor, target: LayerTarget, group: ComparisonGroup) -> Tensor:
    """Return the mask that meets `target`: bool (outputs, inputs)."""
    kept_of = group_of(target.pattern)
    if kept_of is not None:
        return lowest_of_each_group(scores, *kept_of)
    if target.zeros is None:
        by_share = up_to_threshold if group == "matrix" else lowest_of_each_row
        return by_share(scores, target.sparsity)
    by_count = lowest_of_matrix if group == "matrix" else lowest_of_rows
    return by_count(scores, target.zeros)


def lowest_of_each_row(scores: Tensor, sparsity: float) -> Tensor:
    """Mask the lowest int(columns × sparsity) of each row: bool, shaped like `scores`.

    The product is one of Python floats. The result is that of a stable ascending sort, without the sort.
    """
    return _lowest_count_of_each_row(scores, int(scores.shape[1] * sparsity))


def lowest_of_rows(scores: Tensor, zeros: int) -> Tensor:
    """Mask exactly `zeros` weights, the same number in each row: bool, shaped like `scores`.

    If the rows do not divide `zeros`, one more is masked in the rows whose next weight scores lowest.
    """
    count, extra = divmod(zeros, len(scores))
    mask = _lowest_count_of_each_row(scores, count)
    if extra:
        following = scores.masked_fill(mask, torch.inf).min(dim=1)
        rows = following.values.sort(stable=True).indices[:extra]
        mask[rows, following.indices[rows]] = True
    return mask


def lowest_of_matrix(scores: Tensor, zeros: int) -> Tensor:
    """Mask exactly the `zeros` lowest scores of the whole matrix: bool, shaped like `scores`."""
    return _lowest_count_of_each_row(scores.reshape(1, -1), zeros).view_as(scores)


def lowest_of_each_group(scores: Tensor, kept: int, size: int) -> Tensor:
    """Mask all but the `kept` highest of each `size` consecutive inputs of a row: bool, like `scores`.

    `size` must divide the number of inputs; see `fits`.
    """
    return _lowest_count_of_each_row(scores.reshape(-1, size), size - kept).view_as(scores)


def _lowest_count_of_each_row(scores: Tensor, count: int) -> Tensor:
    """Mask the `count` lowest of each row; of those that equal the highest masked score, the leftmost."""
    if count == 0:
        return torch.zeros_like(scores, dtype=torch.bool)
    last = _value_at_rank(scores, count)
    mask = scores <= last
    tied = (mask.sum(dim=1) != count).nonzero()[:, 0]
    if len(tied):  # often a few rows: only these are held once more
        scores, last = scores[tied], last[tied]
        below, equal = scores < last, scores == last
        places = count - below.sum(dim=1, keepdim=True)
        mask[tied] = below | (equal & (equal.cumsum(dim=1, dtype=torch.int32) <= places))
    return mask


def _value_at_rank(scores: Tensor, rank: int) -> Tensor:
    """Return each row's score of that rank, counted from 1: (rows, 1)."""
    if scores.shape[1] <= _MAX_SORTED_COLUMNS:
        return _sorted_columns(scores)[rank - 1][:, None]
    if scores.device.type == "cpu":
        return torch.from_numpy(_by_numpy(scores.numpy(), rank))
    if len(scores) <= _MAX_RADIX_ROWS:
        return radix_select(scores, rank)
    return torch.kthvalue(scores, rank, dim=1, keepdim=True).values


def _by_numpy(scores: NDArray[Any], rank: int) -> NDArray[Any]:
    """Return the same as `_value_at_rank`, in a tenth of torch's time on a CPU."""

    def selected(rows: NDArray[Any]) -> NDArray[Any]:
        return np.partition(rows, rank - 1, axis=1)[:, rank - 1 : rank]

    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads) as pool:  # numpy uses one thread, and releases the GIL
        return np.concatenate(list(pool.map(selected, np.array_split(scores, threads))))


def _sorted_columns(scores: Tensor) -> list[Tensor]:
    """Sort each row in ascending order, all rows at once by odd-even exchanges of whole columns."""
    columns = list(scores.T.contiguous())
    for turn in range(len(columns)):
        for left in range(turn % 2, len(columns) - 1, 2):
            one, other = columns[left], columns[left + 1]
            columns[left], columns[left + 1] = torch.minimum(one, other), torch.maximum(one, other)
    return columns


def up_to_threshold(scores: Tensor, sparsity: float) -> Tensor:
    """Mask all scores of the matrix up to and including that of rank int(numel × sparsity), counted from 0.

    This is one weight more than the share, and all scores equal to it: the reference's arithmetic.
    """
    rank = int(scores.numel() * sparsity)
    return scores <= _value_at_rank(scores.reshape(1, -1), rank + 1)


def lowest_of_row_totals(scores: Tensor, sparsity: float) -> Tensor:
    """Mask, in each row, the lowest scores whose sum is at most a part of the row's total.

    `scores` are (outputs, inputs) and non-negative; the mask is bool of that shape. All rows have the same
    part, found by bisection until the share of masked weights is within 0.001 of `sparsity`, or the bounds of
    the search are within 0.001 of each other; so it may miss. Scores equal to the last masked one are masked
    too. This is the reference's arithmetic (arXiv 2306.11695 and 2311.04902), except for a row whose lowest
    score exceeds its part: there the reference fails, and here nothing is masked.
    """
    ordered = scores.sort(dim=1).values
    sums = ordered.cumsum(dim=1)
    totals = scores.sum(dim=1, keepdim=True)

    def mask_up_to(part: float) -> Tensor:
        counts = (sums <= totals * part).sum(dim=1, keepdim=True)
        last = ordered.gather(1, (counts - 1).clamp_min(0))
        return (scores <= last) & (counts > 0)

    lowest, part, highest = _LOWEST_PART, _FIRST_PART, _HIGHEST_PART
    mask = mask_up_to(part)
    while (
        abs((found := _share(mask)) - sparsity) > SPARSITY_TOLERANCE
        and highest - lowest >= SPARSITY_TOLERANCE
    ):
        if found > sparsity:
            part, highest = (part + lowest) / 2, part
        else:
            part, lowest = (part + highest) / 2, part
        mask = mask_up_to(part)
    return mask


def _share(mask: Tensor) -> float:
    return int(mask.sum()) / mask.numel()


def fits(pattern: str, inputs: int) -> bool:
    """Whether a layer with this number of inputs can have the pattern."""
    kept_of = group_of(pattern)
    return kept_of is None or inputs % kept_of[1] == 0
