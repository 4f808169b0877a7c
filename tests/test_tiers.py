"""The choice of nightly tests by `--nightly`."""

import pytest

from tests.tiers import is_in

TESTS = [f"tests/pruning/test_families.py::test_any[{number}]" for number in range(300)]


def test_every_test_is_in_exactly_one_share() -> None:
    shares = [{test for test in TESTS if is_in(f"{part}/7", test)} for part in range(7)]
    assert sum(map(len, shares)) == len(TESTS)
    assert set().union(*shares) == set(TESTS)


def test_all_and_none_are_said_by_name() -> None:
    assert is_in("all", TESTS[0])
    assert not is_in("none", TESTS[0])


@pytest.mark.parametrize("share", ["7/7", "1", "a/7", "-1/7", "0/0"])
def test_what_is_no_share_is_refused(share: str) -> None:
    with pytest.raises(pytest.UsageError, match=r"none, all, or K/N"):
        is_in(share, TESTS[0])
