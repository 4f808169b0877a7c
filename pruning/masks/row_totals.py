"""Wanda's cumulative selection: each row loses its lowest scores up to a part of its total score."""

from torch import Tensor

SPARSITY_TOLERANCE = 0.001

_LOWEST_PART, _FIRST_PART, _HIGHEST_PART = 0.0, 0.4, 0.8


def lowest_of_row_totals(scores: Tensor, sparsity: float) -> Tensor:
    """Mask, in each row, the lowest scores whose sum is at most a part of the row's total.

    `scores` are (outputs, inputs) and non-negative; the mask is bool of that shape. All rows have the same
    part, found by bisection until the share of masked weights is within 0.001 of `sparsity`, or the bounds of
    the search are within 0.001 of each other; so it may miss. This is the reference's arithmetic (arXiv
    2306.11695 and 2311.04902), except for a row whose lowest score exceeds its part: there the reference
    fails, and here nothing is masked.
    """
    ordered = scores.sort(dim=1, stable=True).values
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
