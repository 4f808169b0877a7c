"""Numbers in ascending order as text, such as `0-5,7,9-12`: a report lists thousands of units."""

from collections.abc import Iterator, Sequence
from itertools import pairwise


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as text: runs as `first-last`, others alone, separated by commas."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in _runs(numbers))


def numbers_in(text: str) -> list[int]:
    """Undo `ranges`. Raises ValueError for a text that is not of that form, or not ascending."""
    numbers: list[int] = []
    for run in text.split(",") if text else ():
        first, _, last = run.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    if any(one >= other for one, other in pairwise(numbers)):
        raise ValueError("the numbers do not ascend")
    return numbers


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] != numbers[end - 1] + 1:
            yield numbers[start], numbers[end - 1]
            start = end
