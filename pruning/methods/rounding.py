"""Turn how prunable each layer is into numbers of zeros that add up to the requested total."""

from collections.abc import Sequence

_ROUNDING = 1e-9


def spread(
    prunable: Sequence[float | None], sizes: Sequence[int], *, sparsity: float, band: float
) -> list[float]:
    """Return each layer's sparsity: sparsity + band · (its value - mean) / (largest distance from the mean).

    `prunable` is larger for a layer that can lose more; None, of which nothing is known, counts as the mean.
    The mean is weighted by `sizes`, the number of weights of each layer, so that the overall sparsity stays
    `sparsity` unless a value is outside [0, 1].
    """
    known = [(value, size) for value, size in zip(prunable, sizes, strict=True) if value is not None]
    mean = sum(value * size for value, size in known) / (sum(size for _, size in known) or 1)
    furthest = max((abs(value - mean) for value, _ in known), default=0.0)
    if furthest < _ROUNDING:
        return [sparsity] * len(sizes)
    return [sparsity if value is None else sparsity + band * (value - mean) / furthest for value in prunable]


def zero_counts(sparsities: Sequence[float], sizes: Sequence[int], *, total: int) -> list[int]:
    """Return the number of zeros of each layer, `total` in all.

    Sparsities are clipped to [0, 1], and all are shifted by the same amount to make up for what was clipped.
    Counts are rounded down; the rest of the total is given to the largest remainders, one each.
    """
    shift = _shift(sparsities, sizes, total)
    exact = [_clipped(value + shift) * size for value, size in zip(sparsities, sizes, strict=True)]
    counts = [int(count) for count in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda i: (counts[i] - exact[i], i))
    missing = total - sum(counts)
    for index in by_remainder[:missing]:
        counts[index] += 1
    return counts


def _clipped(sparsity: float) -> float:
    return min(max(sparsity, 0.0), 1.0)


def _shift(sparsities: Sequence[float], sizes: Sequence[int], total: int) -> float:
    """Find, by bisection, the largest shift with which the clipped sparsities stay within `total`."""
    low, high = -1.0 - max(sparsities), 1.0 - min(sparsities)
    for _ in range(80):
        middle = (low + high) / 2
        count = sum(_clipped(value + middle) * size for value, size in zip(sparsities, sizes, strict=True))
        low, high = (middle, high) if count <= total else (low, middle)
    return low
