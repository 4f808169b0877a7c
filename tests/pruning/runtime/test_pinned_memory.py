"""Pinned memory has exact sizes, stays below its limit, is used again and is given back."""

import mmap
import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pruning.runtime.pinned_memory import CudaPinning, PinnedArena
from tests.pruning.runtime.recorded_pinning import RecordedPinning

PAGE = mmap.PAGESIZE


def test_sizes_are_exact_to_the_page_and_not_to_a_power_of_two() -> None:
    pinning = RecordedPinning()
    arena = PinnedArena(pinning, 1 << 30)
    # A micro-batch of LLaMA-7B with its float32 tokens takes a little more than a power of two.
    tensor = arena.allocate([1, 2056, 4096], torch.bfloat16)
    assert tensor is not None
    assert tensor.shape == (1, 2056, 4096)
    assert tensor.dtype == torch.bfloat16
    assert pinning.pinned == {tensor.data_ptr(): tensor.nbytes}
    odd = arena.allocate([PAGE + 1], torch.uint8)
    assert odd is not None
    assert pinning.pinned[odd.data_ptr()] == 2 * PAGE
    assert arena.size == tensor.nbytes + 2 * PAGE


def test_what_is_given_back_is_used_again_without_pinning() -> None:
    pinning = RecordedPinning()
    arena = PinnedArena(pinning, 1 << 20)
    first, second = arena.allocate([10], torch.float32), arena.allocate([10], torch.float32)
    assert first is not None
    assert second is not None
    second.fill_(2)
    address = first.data_ptr()
    arena.free(first)
    third = arena.allocate([20], torch.bfloat16)
    assert third is not None
    assert third.data_ptr() == address
    third.fill_(3)
    assert second.eq(2).all()
    assert pinning.calls == 2


def test_a_tensor_of_others_is_not_given_back() -> None:
    arena = PinnedArena(RecordedPinning(), PAGE)
    foreign = torch.rand(10)
    arena.free(foreign)
    taken = arena.allocate([10], torch.float32)
    assert taken is not None
    assert taken.data_ptr() != foreign.data_ptr()


def test_no_more_is_taken_than_the_limit_or_the_system_allows() -> None:
    limited = PinnedArena(RecordedPinning(), 2 * PAGE)
    kept = [limited.allocate([PAGE], torch.uint8) for _ in range(3)]
    assert [tensor is None for tensor in kept] == [False, False, True]
    assert limited.size == 2 * PAGE
    refused = PinnedArena(RecordedPinning(most=PAGE), 1 << 30)
    kept = [refused.allocate([PAGE], torch.uint8) for _ in range(2)]
    assert [tensor is None for tensor in kept] == [False, True]
    assert refused.size == PAGE


def test_everything_is_unpinned_at_the_end_also_after_an_error() -> None:
    pinning = RecordedPinning()
    arena = PinnedArena(pinning, 1 << 20)
    given_back, kept = arena.allocate([10], torch.float32), arena.allocate([5000], torch.float32)
    assert given_back is not None
    assert kept is not None
    arena.free(given_back)
    arena.close()
    assert not pinning.pinned
    assert arena.size == 0
    assert kept.fill_(1).eq(1).all()  # the memory itself lives as long as a tensor does


class StubbornPinning(RecordedPinning):
    """Says of everything that it could not be unpinned."""

    def unpin(self, address: int) -> None:
        super().unpin(address)
        raise RuntimeError(f"pretended, with {len(self.pinned)} left")


def test_what_cannot_be_unpinned_does_not_keep_the_rest_pinned() -> None:
    pinning = StubbornPinning()
    arena = PinnedArena(pinning, 1 << 20)
    kept = [arena.allocate([PAGE], torch.uint8) for _ in range(3)]
    arena.free(kept[2])  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="with 2 left"):
        arena.close()
    assert not pinning.pinned
    assert arena.size == 0
    arena.close()  # there is nothing left that could fail
    assert arena.allocate([PAGE], torch.uint8) is not None


def test_an_error_of_unpinning_does_not_replace_the_one_that_ends_the_arena() -> None:
    def use(error: Exception | None) -> None:
        with PinnedArena(StubbornPinning(), 1 << 20) as arena:
            arena.allocate([PAGE], torch.uint8)
            if error is not None:
                raise error

    with pytest.raises(KeyError):
        use(KeyError())
    with pytest.raises(RuntimeError, match="pretended"):
        use(None)


class RememberingRuntime:
    """A CUDA runtime that refuses, and reports it again at the next kernel launch."""

    def __init__(self) -> None:
        self.last_error = 0

    def cudaHostRegister(self, _address: int, _size: int, _flags: int) -> int:  # noqa: N802 - CUDA's name
        self.last_error = 2
        return self.last_error

    def cudaHostUnregister(self, _address: int) -> int:  # noqa: N802 - CUDA's name
        self.last_error = 713
        return self.last_error

    def launch(self, *sizes: int, device: object) -> Tensor:
        code, self.last_error = self.last_error, 0
        if code:
            raise RuntimeError("CUDA error: out of memory")
        return torch.zeros(*sizes)


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> RememberingRuntime:
    found = RememberingRuntime()
    pretended: dict[str, Any] = {
        "cudart": lambda: found,
        "device": lambda device: nullcontext(),
        "synchronize": lambda device: None,
    }
    for name, function in pretended.items():
        monkeypatch.setattr(torch.cuda, name, function)
    monkeypatch.setattr(torch, "ones", found.launch)
    return found


def test_a_refusal_to_pin_is_not_left_for_the_next_kernel(runtime: RememberingRuntime) -> None:
    pinning = CudaPinning(torch.device("cuda:0"))
    assert not pinning.pin(0, PAGE)
    assert not runtime.last_error


def test_a_refusal_to_unpin_is_raised_once(
    runtime: RememberingRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(code: int) -> None:
        if code:
            raise torch.cuda.CudaError(code)

    monkeypatch.setattr(torch.cuda, "check_error", check)
    monkeypatch.setattr(torch.cuda.CudaError, "__init__", lambda self, code: None)
    with pytest.raises(torch.cuda.CudaError):
        CudaPinning(torch.device("cuda:0")).unpin(0)
    assert not runtime.last_error


def advice_for(address: int) -> list[str]:
    """Return what the kernel notes of the mapping that holds an address."""
    for mapping in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.M):
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", mapping)
        if found and int(found[1], 16) <= address < int(found[2], 16):
            return mapping.split("VmFlags:", 1)[1].split("\n", 1)[0].split()
    raise LookupError(hex(address))


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="this kernel has no huge pages"
)
def test_the_system_may_fill_memory_by_huge_pages_before_it_is_pinned() -> None:
    advice: list[list[str]] = []

    class LookWhilePinning(RecordedPinning):
        def pin(self, address: int, size: int) -> bool:
            advice.append(advice_for(address))
            return super().pin(address, size)

    assert PinnedArena(LookWhilePinning(), 1 << 30).allocate([64 << 20], torch.uint8) is not None
    assert ["hg" in flags for flags in advice] == [True]
