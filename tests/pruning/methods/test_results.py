"""Pruned blocks in memory."""

import subprocess
import sys

import pytest
import torch

from pruning.methods.results import BlockFacts, InMemory, PrunedBlock

# It runs in a process of its own, because other tests leave free memory in the heap.
PROGRAM = """
import psutil, torch
from pruning.methods.results import InMemory, PrunedBlock

def put(number):
    mask = torch.ones(2000, 2000, dtype=torch.bool)
    blocks.put(number, PrunedBlock({"a.weight": mask}, {}))

blocks = InMemory()
put(0)
before = psutil.Process().memory_info().rss
for number in range(1, 21):
    put(number)
print(psutil.Process().memory_info().rss - before)
"""


def test_blocks_come_back_as_they_were_put() -> None:
    generator = torch.Generator().manual_seed(0)
    masks = {
        "a.weight": torch.rand(5, 7, generator=generator) > 0.5,
        "b.experts": torch.rand(2, 3, 5, generator=generator) > 0.5,
    }
    weights = {"a.weight": torch.rand(5, 7, generator=generator)}
    blocks = InMemory()
    blocks.put(3, PrunedBlock(masks, weights, BlockFacts(parameters=("a.weight", "b.experts"))))
    assert 3 in blocks
    assert 0 not in blocks
    found = blocks[3]
    assert found.masks.keys() == masks.keys()
    assert all(torch.equal(found.masks[name], mask) for name, mask in masks.items())
    assert torch.equal(found.weights["a.weight"], weights["a.weight"])
    assert found.facts == blocks.facts(3) == BlockFacts(parameters=("a.weight", "b.experts"))


@pytest.mark.slow
def test_masks_in_memory_take_a_bit_per_weight() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, check=True)
    assert int(done.stdout) < 20 * 2000 * 2000 / 4  # 10 MB and a margin; as bools they take 80 MB
