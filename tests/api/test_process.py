import subprocess
import sys

import pytest

_LOOKED_THROUGH = """
import gc
from api.process import keep_from_collector
held = [[] for _ in range(100_000)]
{then}
print(len(gc.get_objects()))  # without what is frozen
"""


@pytest.mark.parametrize("then", ["", "keep_from_collector()"])
def test_the_collector_looks_through_nothing_that_was_there(then: str) -> None:
    program = _LOOKED_THROUGH.format(then=then)
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert (int(shown) < 1000) == bool(then)
