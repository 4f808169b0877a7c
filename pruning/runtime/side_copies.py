"""Copies between host and device, and between devices, that overlap with the computation.

A copy on the stream that computes makes the computation wait for its whole length. Here copies are queued on
a CUDA stream of their own (a side stream): host to device through pinned chunks (`SideCopies`), to pinned
host memory and back (`Offload`), and from one device to another (`HandOver`).

Host memory that is mapped from a file cannot be pinned, and a copy from pageable memory blocks the host. So
tensors go through two chunks of pinned memory in turn: while the device copies from one, the host fills the
other.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor

from pruning.runtime.pinned_memory import PinnedArena, pinning_for

CHUNKS = 2
CHUNK_BYTES = 1 << 25

MarkT = TypeVar("MarkT")


class CopyStream(Protocol[MarkT]):
    """A queue of copies from and to a device, on a stream next to the one that computes.

    A mark is a point in either of them.
    """

    def computed(self) -> MarkT:
        """Mark what the current computation has queued so far."""

    def copied(self) -> MarkT:
        """Mark the copies queued so far."""

    def wait_before_copying(self, mark: MarkT) -> None:
        """Let the copies that are queued from now on begin after `mark`."""

    def wait_before_computing(self, mark: MarkT) -> None:
        """Let the computation that is queued from now on begin after `mark`."""

    def wait_on_host(self, mark: MarkT) -> None:
        """Return once the device has passed `mark`."""

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Queue a copy between two tensors of the same shape; between devices, also of the same dtype."""

    def pass_on(self, other: Self, target: Tensor, source: Tensor) -> None:
        """Queue a copy from this stream's device to that of `other`, after what is queued on both.

        What is queued on `other` from now on begins after it. The memory of `source` is kept until then.
        """


class CudaCopyStream:
    """A CUDA stream of its own. It may be used by several threads, one at a time."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def computed(self) -> torch.cuda.Event:
        return mark_on(torch.cuda.current_stream(self._device))

    def copied(self) -> torch.cuda.Event:
        return mark_on(self._stream)

    def wait_before_copying(self, mark: torch.cuda.Event) -> None:
        self._stream.wait_event(mark)

    def wait_before_computing(self, mark: torch.cuda.Event) -> None:
        torch.cuda.current_stream(self._device).wait_event(mark)

    def wait_on_host(self, mark: torch.cuda.Event) -> None:
        mark.synchronize()

    def copy(self, target: Tensor, source: Tensor) -> None:
        with torch.cuda.stream(self._stream):
            target.copy_(source, non_blocking=True)

    def pass_on(self, other: Self, target: Tensor, source: Tensor) -> None:
        # torch copies on the current stream of the source's device, and waits for that of the target's.
        with torch.cuda.stream(other._stream), torch.cuda.stream(self._stream):
            target.copy_(source, non_blocking=True)
        source.record_stream(self._stream)


def mark_on(stream: torch.cuda.Stream) -> torch.cuda.Event:
    """Mark what is queued on a stream. A host thread that waits for the mark sleeps.

    Otherwise it would spin, and take a core from the threads that read, hash and write.
    """
    mark: torch.cuda.Event = stream.record_event(torch.cuda.Event(blocking=True))  # type: ignore[no-untyped-call]
    return mark


class DirectCopyStream:
    """Copies at once: on a CPU nothing overlaps with the computation."""

    def computed(self) -> None:
        """Mark nothing."""

    def copied(self) -> None:
        """Mark nothing."""

    def wait_before_copying(self, mark: None) -> None:
        """Do nothing."""

    def wait_before_computing(self, mark: None) -> None:
        """Do nothing."""

    def wait_on_host(self, mark: None) -> None:
        """Do nothing."""

    def copy(self, target: Tensor, source: Tensor) -> None:
        target.copy_(source)

    def pass_on(self, other: Self, target: Tensor, source: Tensor) -> None:
        target.copy_(source)


def copy_stream_for(device: torch.device) -> CopyStream[Any]:
    """Return a stream of its own for copies from and to a device."""
    return CudaCopyStream(device) if device.type == "cuda" else DirectCopyStream()


class PendingCopies(Generic[MarkT]):
    """Tensors on the device that are being filled."""

    def __init__(self, stream: CopyStream[MarkT], targets: list[Tensor], last: Future[MarkT]) -> None:
        self._stream, self._targets, self._last = stream, targets, last

    def result(self) -> list[Tensor]:
        """Return the tensors; whatever is computed from now on finds them filled.

        Every pending copy must be waited for, also one that turns out to be of no use: its tensors' memory is
        what the computation uses next.
        """
        self._stream.wait_before_computing(self._last.result())
        return self._targets


class SideCopies(Generic[MarkT]):
    """Copies tensors to a device while it computes.

    The targets' memory comes from the stream that computes, and returns to it. A copy begins after what that
    stream had queued when the memory was taken, and the stream continues after the copy. So two blocks take
    turns in the same memory, and no host thread waits. Memory that was taken for the copying stream could be
    used by no other, and would be lost to the computation.
    """

    def __init__(
        self,
        device: torch.device,
        stream: CopyStream[MarkT],
        arena: PinnedArena,
        *,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        """`arena`: where the chunks are taken from; one that gives none makes the copies slower."""
        self._device, self._stream, self._arena = device, stream, arena
        self._thread = ThreadPoolExecutor(1)
        self._chunks = [self._chunk(chunk_bytes) for _ in range(CHUNKS)]
        self._read: list[MarkT | None] = [None] * CHUNKS  # by chunk: the device has read it
        self._turn = 0
        self._landing: Tensor | None = None  # a chunk on the device, for tensors that are cast there

    def begin(self, sources: Sequence[Tensor], dtypes: Sequence[torch.dtype]) -> PendingCopies[MarkT]:
        """Start to copy tensors of the host. They are cast on the device, since the host casts slower."""
        with torch.inference_mode(False):  # the thread, which is in no such mode, may not write to theirs
            targets = [
                torch.empty(source.shape, dtype=dtype, device=self._device)
                for source, dtype in zip(sources, dtypes, strict=True)
            ]
            if self._landing is None and any(
                s.dtype != t.dtype for s, t in zip(sources, targets, strict=True)
            ):
                self._landing = torch.empty_like(self._chunks[0], device=self._device)
        free = self._stream.computed()  # until then, earlier owners may use the targets' memory
        return PendingCopies(self._stream, targets, self._thread.submit(self._run, sources, targets, free))

    def close(self) -> None:
        """End the thread, and give the chunks back when the device has read them."""
        self._thread.shutdown()
        try:
            self._stream.wait_on_host(self._stream.copied())
        finally:
            self._landing = None
            self._arena.close()

    def _run(self, sources: Sequence[Tensor], targets: Sequence[Tensor], free: MarkT) -> MarkT:
        self._stream.wait_before_copying(free)
        for source, target in zip(sources, targets, strict=True):
            rows, filled = source.contiguous().view(-1), target.view(-1)
            count = self._chunks[0].nbytes // source.itemsize
            for piece, part in zip(torch.split(rows, count), torch.split(filled, count), strict=True):
                self._copy(piece, part)
        return self._stream.copied()

    def _copy(self, piece: Tensor, target: Tensor) -> None:
        """Copy one dimension of at most a chunk, through the chunk whose turn it is."""
        turn, self._turn = self._turn, (self._turn + 1) % CHUNKS
        if (read := self._read[turn]) is not None:
            self._stream.wait_on_host(read)
        chunk = self._chunks[turn][: piece.nbytes].view(piece.dtype)
        chunk.copy_(piece)
        if piece.dtype == target.dtype:
            self._stream.copy(target, chunk)
        else:
            assert self._landing is not None  # noqa: S101 - `begin` made it
            landing = self._landing[: piece.nbytes].view(piece.dtype)
            self._stream.copy(landing, chunk)
            self._stream.copy(target, landing)
        self._read[turn] = self._stream.copied()

    def _chunk(self, size: int) -> Tensor:
        pinned = self._arena.take([size], torch.uint8)
        return torch.empty(size, dtype=torch.uint8) if pinned is None else pinned


def side_copies(device: torch.device, stream: CopyStream[MarkT]) -> SideCopies[MarkT]:
    """Return copies to a device through an arena of their own."""
    return SideCopies(device, stream, PinnedArena(pinning_for(device), CHUNKS * CHUNK_BYTES))


class Offload(Generic[MarkT]):
    """Moves tensors between a device and pinned host memory, on one stream and in order.

    The memory on the device comes from the stream that computes, and returns to it: a tensor that is on its
    way is held here until that stream waits for its copy. The pinned memory may be used again at once, by
    copies of this object.
    """

    def __init__(self, device: torch.device, new_stream: Callable[[], CopyStream[MarkT]]) -> None:
        """`new_stream`: makes the stream, when the first tensor moves."""
        self._device = device
        self._new_stream = new_stream
        self._leaving: tuple[Tensor, MarkT] | None = None
        self._arriving: dict[int, tuple[Tensor, MarkT]] = {}  # by address in pinned memory

    @cached_property
    def _stream(self) -> CopyStream[MarkT]:
        return self._new_stream()

    def send(self, tensor: Tensor, pinned: Tensor) -> None:
        """Copy a tensor to pinned memory of its shape, once it is computed. A host's tensor is copied now."""
        if tensor.device != self._device:
            self._stream.wait_on_host(self._stream.copied())  # earlier copies may use that memory
            pinned.copy_(tensor)
            return
        tensor = tensor.contiguous()
        self._stream.wait_before_copying(self._stream.computed())
        self._stream.copy(pinned, tensor)
        leaving = tensor, self._stream.copied()
        self._finish_sending()
        self._leaving = leaving

    def prefetch(self, pinned: Tensor) -> None:
        """Begin to bring what was sent to `pinned`."""
        if pinned.data_ptr() not in self._arriving:
            target = torch.empty_like(pinned, device=self._device)
            self._stream.wait_before_copying(self._stream.computed())  # what used the target's memory before
            self._stream.copy(target, pinned)
            self._arriving[pinned.data_ptr()] = target, self._stream.copied()

    def fetch(self, pinned: Tensor) -> Tensor:
        """Return on the device what was sent to `pinned`; what is computed from now on finds it there."""
        self.prefetch(pinned)
        target, mark = self._arriving.pop(pinned.data_ptr())
        self._stream.wait_before_computing(mark)
        return target

    def on_host(self, pinned: Tensor) -> Tensor:
        """Return `pinned` itself, once what was sent to it has landed."""
        self._stream.wait_on_host(self._stream.copied())
        return pinned

    def forget(self, pinned: Tensor) -> None:
        """Give up what was sent to `pinned`, also while it is on its way back."""
        if pinned.data_ptr() in self._arriving:
            self.fetch(pinned)

    def close(self) -> None:
        """Let the computation wait for whatever is on its way."""
        self._finish_sending()
        for _, mark in self._arriving.values():
            self._stream.wait_before_computing(mark)
        self._arriving.clear()

    def _finish_sending(self) -> None:
        """Let the computation wait for the tensor that left last: its memory is what it uses next."""
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            self._stream.wait_before_computing(leaving[1])


class HandOver:
    """Passes tensors between devices, on a stream of each device for that alone."""

    def __init__(self, new_stream: Callable[[torch.device], CopyStream[Any]] | None = None) -> None:
        """`new_stream`: makes a device's stream, when the first tensor leaves it or comes to it."""
        self._new_stream = new_stream or copy_stream_for
        self._streams: dict[torch.device, CopyStream[Any]] = {}
        self._on_their_way: dict[int, tuple[CopyStream[Any], Any, Tensor]] = {}  # by number, with their marks
        self._count = 0

    def begin(self, tensor: Tensor, device: torch.device) -> Callable[[], Tensor]:
        """Begin to copy a tensor to `device`, once it is computed. It is not changed until it has arrived.

        Returns a function to be called once, for the copy: what is computed from then on finds it there. A
        tensor that is on `device` is returned itself. No gradient flows back.
        """
        tensor = tensor.detach()
        if tensor.device == device:
            return lambda: tensor
        tensor = tensor.contiguous()
        target = torch.empty_like(tensor, device=device)
        leaving, arriving = self._stream(tensor.device), self._stream(device)
        leaving.wait_before_copying(leaving.computed())
        arriving.wait_before_copying(arriving.computed())  # what used the target's memory before
        leaving.pass_on(arriving, target, tensor)
        self._count += 1
        self._on_their_way[self._count] = arriving, arriving.copied(), target
        return partial(self._finish, self._count)

    def close(self) -> None:
        """Let the devices wait for what is on its way: its memory is what they use next."""
        for number in list(self._on_their_way):
            self._finish(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _finish(self, number: int) -> Tensor:
        stream, mark, target = self._on_their_way.pop(number)
        stream.wait_before_computing(mark)
        return target

    def _stream(self, device: torch.device) -> CopyStream[Any]:
        if device not in self._streams:
            self._streams[device] = self._new_stream(device)
        return self._streams[device]
