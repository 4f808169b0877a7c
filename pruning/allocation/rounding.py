"""From how prunable layers are to how many zeros they get, the total met exactly."""

from collections.abc import Sequence

_ROUNDING = 1e-9


def spread(prunable: Sequence[float], sizes: Sequence[int], *, sparsity: float, band: float) -> list[float]:
    """Each layer's sparsity: sparsity + band · (its value - mean) / (largest distance from the mean).

    `prunable`: per layer, more for one that can lose more. `sizes`: the weights of each, by which the mean is
    weighted, so that the overall sparsity is kept as long as none is below 0 or above 1.
    """
    mean = sum(value * size for value, size in zip(prunable, sizes, strict=True)) / sum(sizes)
    furthest = max(abs(value - mean) for value in prunable)
    if furthest < _ROUNDING:
        return [sparsity] * len(sizes)
    return [sparsity + band * (value - mean) / furthest for value in prunable]


def zero_counts(sparsities: Sequence[float], sizes: Sequence[int], *, total: int) -> list[int]:
    """How many zeros each layer gets, `total` in all: the sparsities between 0 and 1, and whole numbers.

    What is cut off at 0 or 1, all layers make up for by the same shift. What rounding down leaves goes to the
    largest remainders, one each.
    """
    shift = _shift(sparsities, sizes, total)
    exact = [_bounded(value + shift) * size for value, size in zip(sparsities, sizes, strict=True)]
    counts = [int(count) for count in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda i: (counts[i] - exact[i], i))
    missing = total - sum(counts)
    for index in by_remainder[:missing]:
        counts[index] += 1
    return counts


def _bounded(sparsity: float) -> float:
    return min(max(sparsity, 0.0), 1.0)


def _shift(sparsities: Sequence[float], sizes: Sequence[int], total: int) -> float:
    """By bisection, to less than one weight: the most by which rounding down still stays within `total`."""
    low, high = -1.0 - max(sparsities), 1.0 - min(sparsities)
    for _ in range(80):
        middle = (low + high) / 2
        count = sum(_bounded(value + middle) * size for value, size in zip(sparsities, sizes, strict=True))
        low, high = (middle, high) if count <= total else (low, middle)
    return low
