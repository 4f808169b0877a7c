"""Writes a finished block while the next one computes.

On a GPU, writing, hashing and syncing a block's shard can take as long as computing the block. So a
background writer copies them to pinned host memory while the device keeps computing, and makes them durable
on a thread of its own. There is one block in flight at most: the next one waits for it.

On a CPU the cores that would hash are the cores that compute, and writing during the computation saves
nothing. There the direct writer does the same work at once.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

import torch
from torch import Tensor

from pruning.runtime.copy_streams import record_event
from pruning.runtime.pinned_memory import PinnedArena, pinning_for
from pruning.runtime.process_memory import host_memory

log = logging.getLogger(__name__)

Tensors = Mapping[str, Tensor]


class BlockWriter(Protocol):
    """Makes blocks durable, in the order in which they are given.

    On exit of the context nothing is in flight. An error of writing a block is raised by the next call, or on
    exit unless another exception is being raised.
    """

    def put(self, tensors: Tensors, write: Callable[[Tensors], None]) -> None:
        """Let `write(tensors)`, on the CPU, make a block durable. Do not use the tensors afterwards."""

    def drain(self) -> None:
        """Return when every block is durable."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def writer_for(device: torch.device) -> BlockWriter:
    """Return the writer for blocks that `device` computes."""
    if device.type == "cpu":
        return DirectWriter()
    return BackgroundWriter(PinnedArena(pinning_for(device), host_memory() // 8))


class DirectWriter:
    """Writes a block at once."""

    def put(self, tensors: Tensors, write: Callable[[Tensors], None]) -> None:
        write({name: tensor.cpu() for name, tensor in tensors.items()})

    def drain(self) -> None:
        """Do nothing: nothing is ever in flight."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""


class BackgroundWriter:
    """Writes a block on a thread, from pinned copies, while the caller computes the next one."""

    def __init__(self, arena: PinnedArena) -> None:
        """`arena`: memory of the copies, closed on exit. What does not fit is copied unpinned."""
        self._arena = arena
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="block-writer")
        self._in_flight: Future[None] | None = None

    def put(self, tensors: Tensors, write: Callable[[Tensors], None]) -> None:
        self.drain()  # the memory of its copies is reused
        copies = {name: self._copied(tensor) for name, tensor in tensors.items()}
        copied_events = [_current_work(device) for device in {tensor.device for tensor in tensors.values()}]
        self._in_flight = self._thread.submit(self._write, copies, copied_events, write)

    def drain(self) -> None:
        pending, self._in_flight = self._in_flight, None
        if pending is not None:
            pending.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread. An error of the block in flight does not replace the one that ends the stage."""
        try:
            self.drain()
        except BaseException as failure:
            if error is None:
                raise
            log.warning("the last block was not written: %s", type(failure).__name__)
        finally:
            self._thread.shutdown()
            self._arena.close()

    def _copied(self, tensor: Tensor) -> Tensor:
        """Queue a copy after the device's current work. A CPU tensor is returned itself."""
        if tensor.device.type == "cpu":
            return tensor
        pinned = self._arena.allocate(tensor.shape, tensor.dtype)
        return tensor.cpu() if pinned is None else pinned.copy_(tensor, non_blocking=True)

    def _write(
        self, copies: Tensors, copied_events: list[Callable[[], None]], write: Callable[[Tensors], None]
    ) -> None:
        for wait in copied_events:
            wait()
        try:
            write(copies)
        finally:
            for tensor in copies.values():
                self._arena.free(tensor)


def _current_work(device: torch.device) -> Callable[[], None]:
    """Return a function that waits for the work that is queued on the device now."""
    if device.type == "cpu":
        return lambda: None
    copied_events: Callable[[], None] = record_event(torch.cuda.current_stream(device)).synchronize
    return copied_events
