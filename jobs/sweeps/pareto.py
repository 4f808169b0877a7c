"""The order of results of which less is better in each figure."""

from collections.abc import Sequence


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether each figure of one is as low as the other's, and one of them is lower."""
    return one != other and all(own <= their for own, their in zip(one, other, strict=True))
