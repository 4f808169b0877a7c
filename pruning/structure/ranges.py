"""Numbers in ascending order as text, such as `0-5,7,9-12`: a report lists thousands of units."""

from collections.abc import Iterator, Sequence


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as text: runs as `first-last`, others alone, separated by commas."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in _runs(numbers))


def numbers_in(text: str, *, below: int) -> list[int]:
    """Undo `ranges`.

    Raises ValueError for a text that is not of that form, not ascending, or with a number from `below` on.
    """
    numbers: list[int] = []
    for run in text.split(",") if text else ():
        start, _, end = run.partition("-")
        first, last = int(start), int(end or start)
        # Before they are listed: a short text can name more numbers than any memory holds.
        if last >= below:
            raise ValueError(f"the numbers must be below {below}")
        if last < first or (numbers and first <= numbers[-1]):
            raise ValueError("the numbers do not ascend")
        numbers += range(first, last + 1)
    return numbers


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] != numbers[end - 1] + 1:
            yield numbers[start], numbers[end - 1]
            start = end
