"""What a stage frees is used again by the stage, and goes back to the system with its end."""

import gc
import resource

import psutil
import torch

from pruning.heap import keeping_freed_memory

SIZE = 64 << 20
PAGES = SIZE // resource.getpagesize()


def faults_of_one_tensor() -> int:
    """How many pages the system has to bring for a tensor that comes and goes."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(SIZE // 4)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_a_tensor_is_given_the_pages_of_the_one_before() -> None:
    with keeping_freed_memory():
        faults_of_one_tensor()
        kept = faults_of_one_tensor()
    assert kept < PAGES // 100


def test_what_was_kept_goes_back_to_the_system() -> None:
    process = psutil.Process()
    gc.collect()
    with keeping_freed_memory():
        pass  # what other tests have freed goes back first
    before = process.memory_info().rss
    with keeping_freed_memory():
        faults_of_one_tensor()
        inside = process.memory_info().rss
    assert inside - before > SIZE // 2
    assert process.memory_info().rss - before < SIZE // 4
