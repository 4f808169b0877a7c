"""Copies between host and device, and between devices, that overlap with the computation.

A copy on the stream that computes makes the computation wait for its whole length. Here copies are queued on
a CUDA stream of their own (a side stream): host to device through pinned chunks (`AsyncCopies`), to pinned
host memory and back (`Offload`), and from one device to another (`DeviceTransfers`).

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

EventT = TypeVar("EventT")


class CopyStream(Protocol[EventT]):
    """A queue of copies from and to a device, on a stream next to the one that computes.

    An event is a point in either of them.
    """

    def record_compute(self) -> EventT:
        """Record an event after the work that the computation has queued so far."""

    def record_copies(self) -> EventT:
        """Record an event after the copies queued so far."""

    def wait_before_copying(self, event: EventT) -> None:
        """Let the copies that are queued from now on begin after `event`."""

    def wait_before_computing(self, event: EventT) -> None:
        """Let the computation that is queued from now on begin after `event`."""

    def wait_on_host(self, event: EventT) -> None:
        """Return once the device has passed `event`."""

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Queue a copy between two tensors of the same shape; between devices, also of the same dtype."""

    def copy_to_peer(self, other: Self, target: Tensor, source: Tensor) -> None:
        """Queue a copy from this stream's device to that of `other`, after what is queued on both.

        What is queued on `other` from now on begins after it. The memory of `source` is kept until then.
        """


class CudaCopyStream:
    """A separate CUDA stream. It may be used by several threads, one at a time."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def record_compute(self) -> torch.cuda.Event:
        return record_event(torch.cuda.current_stream(self._device))

    def record_copies(self) -> torch.cuda.Event:
        return record_event(self._stream)

    def wait_before_copying(self, event: torch.cuda.Event) -> None:
        self._stream.wait_event(event)

    def wait_before_computing(self, event: torch.cuda.Event) -> None:
        torch.cuda.current_stream(self._device).wait_event(event)

    def wait_on_host(self, event: torch.cuda.Event) -> None:
        event.synchronize()

    def copy(self, target: Tensor, source: Tensor) -> None:
        # In a new thread, whose device is the first, leaving the stream alone would make a context there.
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            target.copy_(source, non_blocking=True)

    def copy_to_peer(self, other: Self, target: Tensor, source: Tensor) -> None:
        # torch copies on the current stream of the source's device, and waits for that of the target's.
        with torch.cuda.stream(other._stream), torch.cuda.stream(self._stream):
            target.copy_(source, non_blocking=True)
        source.record_stream(self._stream)


def record_event(stream: torch.cuda.Stream) -> torch.cuda.Event:
    """Record a blocking event on a stream: a host thread that waits for it sleeps.

    Otherwise it would spin, and take a core from the threads that read, hash and write.
    """
    event: torch.cuda.Event = stream.record_event(torch.cuda.Event(blocking=True))  # type: ignore[no-untyped-call]
    return event


class DirectCopyStream:
    """Copies at once: on a CPU nothing overlaps with the computation."""

    def record_compute(self) -> None:
        """Do nothing."""

    def record_copies(self) -> None:
        """Do nothing."""

    def wait_before_copying(self, event: None) -> None:
        """Do nothing."""

    def wait_before_computing(self, event: None) -> None:
        """Do nothing."""

    def wait_on_host(self, event: None) -> None:
        """Do nothing."""

    def copy(self, target: Tensor, source: Tensor) -> None:
        target.copy_(source)

    def copy_to_peer(self, other: Self, target: Tensor, source: Tensor) -> None:
        target.copy_(source)


def copy_stream_for(device: torch.device) -> CopyStream[Any]:
    """Return a separate stream for copies from and to a device."""
    return CudaCopyStream(device) if device.type == "cuda" else DirectCopyStream()


class PendingCopies(Generic[EventT]):
    """Tensors on the device that are being filled."""

    def __init__(self, stream: CopyStream[EventT], targets: list[Tensor], last: Future[EventT]) -> None:
        self._stream, self._targets, self._last = stream, targets, last

    def result(self) -> list[Tensor]:
        """Return the tensors; computation that is queued from now on waits for the copies.

        Call it for every pending copy, even an unused one: the computation reuses its tensors' memory.
        """
        self._stream.wait_before_computing(self._last.result())
        return self._targets


class AsyncCopies(Generic[EventT]):
    """Copies tensors to a device while it computes.

    The targets' memory comes from the stream that computes, and returns to it. A copy begins after what that
    stream had queued when the memory was taken, and the stream continues after the copy. So two blocks take
    turns in the same memory, and no host thread waits. Memory that was taken for the copying stream could be
    used by no other, and would be lost to the computation.
    """

    def __init__(self, device: torch.device, stream: CopyStream[EventT], arena: PinnedArena) -> None:
        """`arena`: memory of the chunks; without any, they are pageable, and copies are slower."""
        self._device, self._stream, self._arena = device, stream, arena
        self._thread = ThreadPoolExecutor(1)
        self._chunks = [self._chunk(CHUNK_BYTES) for _ in range(CHUNKS)]
        self._read: list[EventT | None] = [None] * CHUNKS  # by chunk: after the device has read it
        self._turn = 0
        self._staging: Tensor | None = None  # a chunk on the device, for casts

    def begin(self, sources: Sequence[Tensor], dtypes: Sequence[torch.dtype]) -> PendingCopies[EventT]:
        """Start to copy tensors of the host. They are cast on the device, since the host casts slower."""
        with torch.inference_mode(False):  # the thread may not write to inference tensors
            targets = [
                torch.empty(source.shape, dtype=dtype, device=self._device)
                for source, dtype in zip(sources, dtypes, strict=True)
            ]
            if self._staging is None and any(
                s.dtype != t.dtype for s, t in zip(sources, targets, strict=True)
            ):
                self._staging = torch.empty_like(self._chunks[0], device=self._device)
        free = self._stream.record_compute()  # queued work may still use the targets' memory
        return PendingCopies(self._stream, targets, self._thread.submit(self._run, sources, targets, free))

    def close(self) -> None:
        """End the thread, and free the chunks once the device has read them."""
        self._thread.shutdown()
        try:
            self._stream.wait_on_host(self._stream.record_copies())
        finally:
            self._staging = None
            self._arena.close()

    def _run(self, sources: Sequence[Tensor], targets: Sequence[Tensor], free: EventT) -> EventT:
        self._stream.wait_before_copying(free)
        for source, target in zip(sources, targets, strict=True):
            rows, filled = source.contiguous().view(-1), target.view(-1)
            count = self._chunks[0].nbytes // source.itemsize
            for piece, part in zip(torch.split(rows, count), torch.split(filled, count), strict=True):
                self._copy(piece, part)
        return self._stream.record_copies()

    def _copy(self, piece: Tensor, target: Tensor) -> None:
        """Copy a flat piece, at most as large as a chunk, through the next chunk."""
        turn, self._turn = self._turn, (self._turn + 1) % CHUNKS
        if (read := self._read[turn]) is not None:
            self._stream.wait_on_host(read)
        chunk = self._chunks[turn][: piece.nbytes].view(piece.dtype)
        chunk.copy_(piece)
        if piece.dtype == target.dtype:
            self._stream.copy(target, chunk)
        else:
            assert self._staging is not None  # noqa: S101 - `begin` made it
            staging = self._staging[: piece.nbytes].view(piece.dtype)
            self._stream.copy(staging, chunk)
            self._stream.copy(target, staging)
        self._read[turn] = self._stream.record_copies()

    def _chunk(self, size: int) -> Tensor:
        pinned = self._arena.allocate([size], torch.uint8)
        return torch.empty(size, dtype=torch.uint8) if pinned is None else pinned


def async_copies(device: torch.device, stream: CopyStream[EventT]) -> AsyncCopies[EventT]:
    """Return copies to a device through an arena of their own."""
    return AsyncCopies(device, stream, PinnedArena(pinning_for(device), CHUNKS * CHUNK_BYTES))


class Offload(Generic[EventT]):
    """Moves tensors between a device and pinned host memory, on one stream and in order.

    The memory on the device belongs to the stream that computes: a tensor in flight is referenced here until
    that stream waits for its copy. The pinned memory may be reused at once by copies of this object.
    """

    def __init__(self, device: torch.device, new_stream: Callable[[], CopyStream[EventT]]) -> None:
        """`new_stream`: makes the stream, when the first tensor moves."""
        self._device = device
        self._new_stream = new_stream
        self._sending: tuple[Tensor, EventT] | None = None
        self._fetching: dict[int, tuple[Tensor, EventT]] = {}  # by address in pinned memory

    @cached_property
    def _stream(self) -> CopyStream[EventT]:
        return self._new_stream()

    def send(self, tensor: Tensor, pinned: Tensor) -> None:
        """Queue a copy to pinned memory of the same shape; a host tensor is copied at once."""
        if tensor.device != self._device:
            self._stream.wait_on_host(self._stream.record_copies())  # earlier copies may use that memory
            pinned.copy_(tensor)
            return
        tensor = tensor.contiguous()
        self._stream.wait_before_copying(self._stream.record_compute())
        self._stream.copy(pinned, tensor)
        sending = tensor, self._stream.record_copies()
        self._finish_sending()
        self._sending = sending

    def prefetch(self, pinned: Tensor) -> None:
        """Begin to copy back what was sent to `pinned`."""
        if pinned.data_ptr() not in self._fetching:
            target = torch.empty_like(pinned, device=self._device)
            # Queued work may still use the target's memory.
            self._stream.wait_before_copying(self._stream.record_compute())
            self._stream.copy(target, pinned)
            self._fetching[pinned.data_ptr()] = target, self._stream.record_copies()

    def fetch(self, pinned: Tensor) -> Tensor:
        """Return on the device what was sent to `pinned`; later computation waits for it."""
        self.prefetch(pinned)
        target, event = self._fetching.pop(pinned.data_ptr())
        self._stream.wait_before_computing(event)
        return target

    def on_host(self, pinned: Tensor) -> Tensor:
        """Return `pinned` itself, once all copies to it have completed."""
        self._stream.wait_on_host(self._stream.record_copies())
        return pinned

    def discard(self, pinned: Tensor) -> None:
        """Discard what was sent to `pinned`, even while it is being fetched."""
        if pinned.data_ptr() in self._fetching:
            self.fetch(pinned)

    def close(self) -> None:
        """Let the computation wait for all copies in flight."""
        self._finish_sending()
        for _, event in self._fetching.values():
            self._stream.wait_before_computing(event)
        self._fetching.clear()

    def _finish_sending(self) -> None:
        """Let the computation wait for the last tensor sent, before it reuses its memory."""
        sending, self._sending = self._sending, None
        if sending is not None:
            self._stream.wait_before_computing(sending[1])


class DeviceTransfers:
    """Copies tensors between devices, on one stream per device for that alone.

    torch's own copy between devices runs on the streams that compute, so that each device waits for the work
    queued on the other. Devices that share one model would then run one after the other.
    """

    def __init__(self, new_stream: Callable[[torch.device], CopyStream[Any]] | None = None) -> None:
        """`new_stream`: makes a device's stream, at the first copy from or to it."""
        self._new_stream = new_stream or copy_stream_for
        self._streams: dict[torch.device, CopyStream[Any]] = {}
        self._in_flight: dict[int, tuple[CopyStream[Any], Any, Tensor]] = {}  # by number
        self._count = 0

    def begin(self, tensor: Tensor, device: torch.device) -> Callable[[], Tensor]:
        """Begin to copy a tensor to `device`, after its computation. It must not be changed meanwhile.

        Returns a function to be called once, which returns the copy: later computation waits for it. A
        tensor that is on `device` is returned itself. No gradient flows back.
        """
        tensor = tensor.detach()
        if tensor.device == device:
            return lambda: tensor
        tensor = tensor.contiguous()
        target = torch.empty_like(tensor, device=device)
        source, destination = self._stream(tensor.device), self._stream(device)
        source.wait_before_copying(source.record_compute())
        destination.wait_before_copying(destination.record_compute())  # queued work may still use it
        source.copy_to_peer(destination, target, tensor)
        self._count += 1
        self._in_flight[self._count] = destination, destination.record_copies(), target
        return partial(self._finish, self._count)

    def close(self) -> None:
        """Let the devices wait for copies in flight, before they reuse the memory."""
        for number in list(self._in_flight):
            self._finish(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _finish(self, number: int) -> Tensor:
        stream, event, target = self._in_flight.pop(number)
        stream.wait_before_computing(event)
        return target

    def _stream(self, device: torch.device) -> CopyStream[Any]:
        if device not in self._streams:
            self._streams[device] = self._new_stream(device)
        return self._streams[device]
