"""Which of the tests marked `nightly` run: none, all, or a share. See `--nightly` in tests/conftest.py.

They repeat for further cases what `make test` shows for some, or take long for what they show.
"""

from pathlib import Path
from zlib import crc32

import pytest
from _pytest.mark.structures import ParameterSet

from tests.together import group_of

HELP = "which tests marked nightly run as well: all, or share K of N, counted from 0"


def nightly(*values: object) -> ParameterSet:
    """Return a case for `pytest.mark.parametrize` that runs nightly."""
    return pytest.param(*values, marks=pytest.mark.nightly)


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out nightly tests that `--nightly` does not ask for. One named by its file runs."""
    share = config.getoption("--nightly")
    if any(Path(argument.partition("::")[0]).is_file() for argument in config.args):
        return
    left_out = {
        item for item in items if item.get_closest_marker("nightly") and not is_in(share, item.nodeid)
    }
    if left_out:
        config.hook.pytest_deselected(items=[*left_out])
        items[:] = [item for item in items if item not in left_out]


def is_in(share: str, nodeid: str) -> bool:
    """Return whether a test is in a share. Tests that share a fixture of their module stay together."""
    if share in ("none", "all"):
        return share == "all"
    part, _, parts = share.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and int(part) < int(parts)):
        raise pytest.UsageError(f"--nightly {share}: none, all, or K/N with 0 <= K < N is expected")
    return crc32(group_of(nodeid).encode()) % int(parts) == int(part)
