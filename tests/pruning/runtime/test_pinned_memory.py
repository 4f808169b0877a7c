"""Pinned memory has exact sizes, stays below its limit, is used again and is given back."""

import mmap

import torch

from pruning.runtime.pinned_memory import PinnedArena
from tests.pruning.runtime.recorded_pinning import RecordedPinning

PAGE = mmap.PAGESIZE


def test_sizes_are_exact_to_the_page_and_not_to_a_power_of_two() -> None:
    pinning = RecordedPinning()
    arena = PinnedArena(pinning, 1 << 30)
    # A micro-batch of LLaMA-7B with its float32 tokens takes a little more than a power of two.
    tensor = arena.take([1, 2056, 4096], torch.bfloat16)
    assert tensor is not None
    assert tensor.shape == (1, 2056, 4096)
    assert tensor.dtype == torch.bfloat16
    assert pinning.pinned == {tensor.data_ptr(): tensor.nbytes}
    odd = arena.take([PAGE + 1], torch.uint8)
    assert odd is not None
    assert pinning.pinned[odd.data_ptr()] == 2 * PAGE
    assert arena.size == tensor.nbytes + 2 * PAGE


def test_what_is_given_back_is_used_again_without_pinning() -> None:
    pinning = RecordedPinning()
    arena = PinnedArena(pinning, 1 << 20)
    first, second = arena.take([10], torch.float32), arena.take([10], torch.float32)
    assert first is not None
    assert second is not None
    second.fill_(2)
    address = first.data_ptr()
    arena.give_back(first)
    third = arena.take([20], torch.bfloat16)
    assert third is not None
    assert third.data_ptr() == address
    third.fill_(3)
    assert second.eq(2).all()
    assert pinning.calls == 2


def test_a_tensor_of_others_is_not_given_back() -> None:
    arena = PinnedArena(RecordedPinning(), PAGE)
    foreign = torch.rand(10)
    arena.give_back(foreign)
    taken = arena.take([10], torch.float32)
    assert taken is not None
    assert taken.data_ptr() != foreign.data_ptr()


def test_no_more_is_taken_than_the_limit_or_the_system_allows() -> None:
    limited = PinnedArena(RecordedPinning(), 2 * PAGE)
    kept = [limited.take([PAGE], torch.uint8) for _ in range(3)]
    assert [tensor is None for tensor in kept] == [False, False, True]
    assert limited.size == 2 * PAGE
    refused = PinnedArena(RecordedPinning(most=PAGE), 1 << 30)
    kept = [refused.take([PAGE], torch.uint8) for _ in range(2)]
    assert [tensor is None for tensor in kept] == [False, True]
    assert refused.size == PAGE


def test_everything_is_unpinned_at_the_end_also_after_an_error() -> None:
    pinning = RecordedPinning()
    arena = PinnedArena(pinning, 1 << 20)
    given_back, kept = arena.take([10], torch.float32), arena.take([5000], torch.float32)
    assert given_back is not None
    assert kept is not None
    arena.give_back(given_back)
    arena.close()
    assert not pinning.pinned
    assert arena.size == 0
    assert kept.fill_(1).eq(1).all()  # the memory itself lives as long as a tensor does
