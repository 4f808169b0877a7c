"""What a stage frees is used again by the stage, and goes back to the system with its end."""

import json
import subprocess
import sys

SIZE = 64 << 20

# In a process of its own: what other tests leave in the heap could serve a tensor as well.
PROGRAM = """
import json, resource, psutil, torch
from pruning.runtime.malloc import retain_freed_heap

def faults_of_one_tensor():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(SIZE // 4)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return psutil.Process().memory_info().rss

torch.ones(9)
before = resident()
with retain_freed_heap():
    faults = [faults_of_one_tensor(), faults_of_one_tensor()]
    inside = resident()
print(json.dumps({"faults": faults, "inside": inside - before, "behind": resident() - before}))
"""


def test_a_tensor_is_given_the_pages_of_the_one_before_and_the_system_has_them_at_the_end() -> None:
    program = PROGRAM.replace("SIZE", str(SIZE))
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    first, second = found["faults"]
    assert second < first / 10
    assert found["inside"] > SIZE // 2
    assert found["behind"] < SIZE // 4
