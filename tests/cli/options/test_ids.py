"""Ids by some of their digits, compared with plain string tests over all of them."""

from uuid import UUID, uuid4

import pytest
import typer
from typer.testing import CliRunner

from cli.main import app
from cli.options.ids import MAX_SEARCHED, id_or_part, whole_id
from cli.terminal import CommandFailed, Exit

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


def test_a_whole_id_needs_no_search() -> None:
    def nobody() -> UUID:
        raise AssertionError("asked")

    assert whole_id(id_or_part(str(IDS[0])), "job", (nobody() for _ in (1,))) == IDS[0]


def test_digits_of_no_id_and_of_several_ids_are_refused() -> None:
    first, second = UUID("aaaa0000-0000-4000-8000-000000000001"), UUID("aaaa0000-0000-4000-8000-000000000002")
    with pytest.raises(
        CommandFailed,
        match="no job among the newest 1000 has an id that begins or ends",
    ):
        whole_id("bbbb", "job", [first, second])
    with pytest.raises(CommandFailed, match=f"{first}, {second}; give more digits"):
        whole_id("aaaa", "job", [first, second])


@pytest.mark.parametrize("text", ["", "abc", "no-uuid", "abcg", "0" * 33])
def test_what_cannot_be_an_id_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="at least 4"):
        id_or_part(text)


@pytest.mark.parametrize(
    "command",
    [
        "cancel",
        "tools delete",
        "sweep cancel",
        "admin keys revoke",
        "tools uploads delete",
        "tools webhooks delete",
    ],
)
def test_what_cannot_be_undone_takes_eight_digits(command: str) -> None:
    # Nothing listens there: with eight digits, the command asks the server.
    place = {"PRUNESERVE_URL": "http://127.0.0.1:1", "PRUNESERVE_API_KEY": "ps_key"}
    codes = []
    for digits in ("beef", "adbeef7", "deadbeef", str(IDS[0])):
        result = CliRunner().invoke(app, [*command.split(), digits], env=place)
        codes.append(result.exit_code)
        assert ("cannot be undone: give an id" in result.stderr) == (len(digits) < 8)
    assert codes == [Exit.USAGE, Exit.USAGE, Exit.UNREACHABLE, Exit.UNREACHABLE]


def test_first_digits_that_older_things_may_have_are_refused() -> None:
    # Ids of one minute begin alike, and the last that is looked at may have older ones of its minute.
    same, other = [UUID(int=(0x0199AAAA << 96) + number) for number in range(2)], UUID(int=0x0199BBBB << 96)
    newest = [other] * (MAX_SEARCHED - 1) + same[1:]
    with pytest.raises(CommandFailed, match="may begin with 0199aaaa as well"):
        whole_id("0199aaaa", "job", newest)
    assert whole_id("00000001", "job", newest) == same[1]
    assert whole_id("0199aaaa", "job", newest[1:]) == same[1]
