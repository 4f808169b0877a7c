"""Numbers change with their version alone: the finished blocks of earlier releases rely on it."""

import json
from typing import Any

import pytest

from pruning.version import NUMERICS
from tests.pruning.golden.numbers import CASES, PATH, compute, differences, machine

GOLDEN: dict[str, Any] = json.loads(PATH.read_text())


def test_the_numbers_on_file_are_of_this_version() -> None:
    assert GOLDEN["numerics"] == NUMERICS, "write them again: python -m tests.pruning.golden"
    assert GOLDEN["cases"].keys() == CASES.keys()


@pytest.mark.parametrize("case", CASES)
def test_numbers_change_only_with_their_version(case: str) -> None:
    alike = GOLDEN["machine"] == machine()
    changed = [*differences(GOLDEN["cases"][case], compute(case), bits=alike)]
    assert not changed, (
        f"these are not the numbers of version {NUMERICS}, with whose blocks they would be mixed: "
        "raise NUMERICS in pruning/version.py, then run python -m tests.pruning.golden"
    )
