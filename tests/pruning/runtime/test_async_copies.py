"""Copies that overlap with the computation are in order, and a chunk is refilled only after it was read."""

from typing import Any

import pytest
import torch

from pruning.runtime.copy_streams import AsyncCopies, CudaCopyStream
from pruning.runtime.pinned_memory import NoPinning, PinnedArena
from tests.pruning.runtime.deferred_stream import DeferredStream, Mark

CPU = torch.device("cpu")
CHUNK = 64  # bytes


def new_copies(stream: DeferredStream, limit: int = 1 << 20) -> tuple[AsyncCopies[Mark], PinnedArena]:
    arena = PinnedArena(NoPinning(), limit)
    return AsyncCopies(CPU, stream, arena, chunk_bytes=CHUNK), arena


def test_tensors_of_any_size_and_layout_arrive_through_small_chunks() -> None:
    sources = [
        torch.rand(7, 9),  # 252 bytes: four chunks
        torch.rand(9, 7).T,
        torch.tensor(3.5),
        torch.rand(0, 4),
        torch.rand(5, 11).bfloat16(),
        torch.arange(16),
        torch.rand(30) > 0.5,
    ]
    copies, _ = new_copies(DeferredStream())
    found = copies.begin(sources, [source.dtype for source in sources]).result()
    for source, copied in zip(sources, found, strict=True):
        assert copied.dtype == source.dtype
        assert torch.equal(copied, source)
        assert copied.data_ptr() != source.data_ptr() or source.numel() == 0


def test_tensors_are_cast_behind_the_chunks() -> None:
    source = torch.rand(100)
    copies, _ = new_copies(DeferredStream())
    (narrow,) = copies.begin([source], [torch.bfloat16]).result()
    (wide,) = copies.begin([source.bfloat16()], [torch.float32]).result()
    assert torch.equal(narrow, source.bfloat16())
    assert torch.equal(wide, source.bfloat16().float())


def test_copies_begin_after_the_computation_that_used_the_memory_and_end_before_the_next() -> None:
    stream = DeferredStream()
    copies, _ = new_copies(stream)
    pending = copies.begin([torch.rand(32)], [torch.float32])  # two chunks
    assert "the computation waits for the copies" not in stream.events
    pending.result()
    assert stream.events == [
        "memory is taken",
        "copies wait for the computation",
        "copy",
        "copy",
        "the computation waits for the copies",
    ]
    assert not stream.waiting


def test_tensors_of_an_inference_can_be_filled_by_the_thread() -> None:
    source = torch.rand(40)
    copies, _ = new_copies(DeferredStream())
    with torch.inference_mode():
        (found,) = copies.begin([source], [torch.float32]).result()
        assert torch.equal(found, source)


def test_the_chunks_are_given_back_when_they_have_been_read() -> None:
    stream = DeferredStream()
    copies, arena = new_copies(stream)
    source = torch.rand(64)
    pending = copies.begin([source], [torch.float32])
    assert arena.size > 0
    copies.close()
    assert arena.size == 0
    assert not stream.waiting
    assert torch.equal(pending.result()[0], source)


def test_copies_work_without_pinned_memory() -> None:
    copies, arena = new_copies(DeferredStream(), limit=0)
    source = torch.rand(64)
    assert torch.equal(copies.begin([source], [torch.float32]).result()[0], source)
    copies.close()
    assert arena.size == 0


def test_a_host_thread_sleeps_while_it_waits_for_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    class Event:
        def __init__(self, *, blocking: bool = False) -> None:
            self.sleeps = blocking

    class Stream:
        def __init__(self, device: torch.device) -> None:
            self.device = device

        def record_event(self, event: Event | None = None) -> Event:
            return event or Event()

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    stream: Any = CudaCopyStream(torch.device("cuda:0"))
    assert stream.record_copies().sleeps
    assert stream.record_compute().sleeps
