"""The choice of nightly tests by `--nightly`."""

from tests.tiers import is_in

TESTS = [f"tests/pruning/test_families.py::test_any[{number}]" for number in range(300)]


def test_every_test_is_in_exactly_one_share() -> None:
    shares = [{test for test in TESTS if is_in(f"{part}/7", test)} for part in range(7)]
    assert sum(map(len, shares)) == len(TESTS)
    assert set().union(*shares) == set(TESTS)
