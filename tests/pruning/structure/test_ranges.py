"""Numbers as runs."""

import pytest

from pruning.structure.ranges import numbers_in, ranges


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([4], "4"), ([0, 1, 2, 5, 8, 9], "0-2,5,8-9"), ([1, 3, 5], "1,3,5")],
)
def test_runs_are_written_and_read(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text
    assert numbers_in(text) == numbers


@pytest.mark.parametrize("text", ["3,2", "0-4,4", "a", "1,,2"])
def test_what_is_no_ascending_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        numbers_in(text)
