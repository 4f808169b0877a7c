"""Ids by some of their digits, compared with plain string tests over all of them."""

from uuid import UUID, uuid4

import pytest
import typer

from cli.options.ids import id_or_part, whole_id
from cli.terminal import CommandFailed

IDS = [uuid4() for _ in range(300)]


@pytest.mark.parametrize("digits", [4, 6, 12, 31])
def test_the_first_and_the_last_digits_name_what_they_name_alone(digits: int) -> None:
    for one in IDS:
        for part in (one.hex[:digits], one.hex[-digits:].upper(), str(one)[: digits + 1]):
            shown = part.lower().replace("-", "")
            same = [other for other in IDS if other.hex.startswith(shown) or other.hex.endswith(shown)]
            if same == [one]:
                assert whole_id(id_or_part(part), "job", IDS) == one
            else:
                with pytest.raises(CommandFailed, match="give more digits"):
                    whole_id(id_or_part(part), "job", IDS)


def test_a_whole_id_is_taken_without_a_look() -> None:
    def nobody() -> UUID:
        raise AssertionError("asked")

    assert whole_id(id_or_part(str(IDS[0])), "job", (nobody() for _ in (1,))) == IDS[0]


def test_digits_of_none_and_of_several_say_so() -> None:
    first, second = UUID("aaaa0000-0000-4000-8000-000000000001"), UUID("aaaa0000-0000-4000-8000-000000000002")
    with pytest.raises(CommandFailed, match="of no job begins or ends with bbbb"):
        whole_id("bbbb", "job", [first, second])
    with pytest.raises(CommandFailed, match=f"{first}, {second}; give more digits"):
        whole_id("aaaa", "job", [first, second])


@pytest.mark.parametrize("text", ["", "abc", "no-uuid", "abcg", "0" * 33])
def test_what_cannot_be_an_id_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="at least 4"):
        id_or_part(text)
