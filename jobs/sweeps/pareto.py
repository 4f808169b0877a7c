"""The order of results of which less is better in each figure."""

from collections.abc import Iterable, Sequence


def front(figures: Iterable[tuple[float, ...]]) -> set[tuple[float, ...]]:
    """Return those than which no other is as low in each figure, and lower in one.

    Whatever is better than another sorts before it. Of two figures, the last one kept has the lowest second
    figure so far, so that sorting is the most work.
    """
    kept: list[tuple[float, ...]] = []
    for one in sorted(set(figures)):
        rivals = kept[-1:] if len(one) == 2 else kept
        if not any(_is_as_low(other, one) for other in rivals):
            kept.append(one)
    return set(kept)


def _is_as_low(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(own <= their for own, their in zip(one, other, strict=True))
