"""Freed heap memory is reused within a stage, and returned to the system after it."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SIZE = 64 << 20

# It runs in a process of its own, because other tests leave free memory in the heap.
PROGRAM = """
import json, resource, psutil, torch
from pruning.runtime.process_memory import retain_freed_heap

def page_faults_of_one_tensor():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(SIZE // 4)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return psutil.Process().memory_info().rss

torch.ones(9)
before = resident()
with retain_freed_heap():
    faults = [page_faults_of_one_tensor(), page_faults_of_one_tensor()]
    inside = resident()
print(json.dumps({"faults": faults, "inside": inside - before, "after": resident() - before}))
"""


def test_a_tensor_reuses_freed_pages_and_they_are_returned_at_the_end() -> None:
    program = PROGRAM.replace("SIZE", str(SIZE))
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    first, second = found["faults"]
    assert second < first / 10
    assert found["inside"] > SIZE // 2
    assert found["after"] < SIZE // 4
