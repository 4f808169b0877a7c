"""The order of results of which less is better in each of two figures."""

from collections.abc import Iterable


def front(figures: Iterable[tuple[float, float]]) -> set[tuple[float, float]]:
    """Return those than which no other is as low in each figure, and lower in one.

    Whatever is better than another sorts before it, and the last one kept has the lowest second figure so
    far.
    """
    kept: list[tuple[float, float]] = []
    for one in sorted(figures):
        if not kept or one[1] < kept[-1][1]:
            kept.append(one)
    return set(kept)
