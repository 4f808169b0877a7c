import subprocess
import sys

import pytest

_HEAPS_OF_EIGHT_THREADS = """
import ctypes, threading
from api.process import share_heaps
{first}
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)
def take():
    together.wait()
    library.malloc(1000)
    together.wait()
threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
library.fflush(None)
"""


@pytest.mark.parametrize(("first", "most"), [("", 8 + 1), ("share_heaps()", 2)])
def test_threads_share_two_heaps_by_the_count_of_glibc(first: str, most: int) -> None:
    program = _HEAPS_OF_EIGHT_THREADS.format(first=first)
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    heaps = shown.count("<heap nr=")
    assert heaps <= most
    assert (heaps > 2) == (not first)


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
