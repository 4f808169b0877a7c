"""Numbers as runs."""

import pytest

from pruning.structure.results import numbers_in, ranges


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([4], "4"), ([0, 1, 2, 5, 8, 9], "0-2,5,8-9"), ([1, 3, 5], "1,3,5")],
)
def test_runs_are_written_and_read(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text
    assert numbers_in(text, below=10) == numbers


@pytest.mark.parametrize("text", ["3,2", "0-4,4", "a", "1,,2", "-1", "0-5,6-2"])
def test_what_is_no_ascending_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        numbers_in(text, below=10)


@pytest.mark.threat
@pytest.mark.parametrize("text", ["0-99999999999", "3,10", ",".join(["0-9"] * 1000)])
def test_no_more_numbers_are_listed_than_there_can_be(text: str) -> None:
    with pytest.raises(ValueError, match=r"below 10|do not ascend"):
        numbers_in(text, below=10)
