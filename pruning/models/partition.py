"""Divides a model's blocks into stages of about equal size, one for each device."""

from collections.abc import Sequence


def partition_contiguous(sizes: Sequence[int], count: int, *, first: int = 0) -> list[int]:
    """Return the stage number of each block: at most `count` stages, the largest as small as possible.

    `sizes`: of the blocks, in order; stages are contiguous. `first`: what the first stage holds in addition
    to its blocks. A stage may be empty.
    """
    if not sizes:
        return []
    smallest, enough = max(first, *sizes), first + sum(sizes)
    while smallest < enough:
        middle = (smallest + enough) // 2
        if _assign_greedily(sizes, middle, first)[-1] < count:
            enough = middle
        else:
            smallest = middle + 1
    return _assign_greedily(sizes, smallest, first)


def _assign_greedily(sizes: Sequence[int], limit: int, first: int) -> list[int]:
    """Fill one stage after the other with as many blocks as fit into `limit`."""
    stages, stage, held = [], 0, first
    for size in sizes:
        if held + size > limit:
            stage, held = stage + 1, 0
        held += size
        stages.append(stage)
    return stages
