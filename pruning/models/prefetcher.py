"""Copies tensors from the host to a device: those needed now, and ahead of time those needed next."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pruning.runtime.copy_streams import AsyncCopies, CopyStream, PendingCopies, async_copies
from pruning.runtime.device import is_out_of_memory
from pruning.runtime.pinned_memory import copy_to_mmap

log = logging.getLogger(__name__)

_LARGE = 1 << 25  # bytes; smaller copies, such as those of most blocks, are reused by the heap


class Prefetcher:
    """Copies tensors to one device: at once, or on a stream that overlaps with its computation."""

    def __init__(self, device: torch.device, stream: CopyStream[Any] | None) -> None:
        """`stream`: None where copies cannot overlap with the computation."""
        self._device = device
        self._stream = stream  # kept: each stream has memory of its own
        self._side_copies: AsyncCopies[Any] | None = None
        self._prefetched: tuple[list[Tensor], PendingCopies[Any]] | None = None

    def begin(self, tensors: Sequence[Tensor], dtypes: Sequence[torch.dtype]) -> Callable[[], list[Tensor]]:
        """Begin to copy `tensors`, cast to `dtypes`, unless they were prefetched.

        Returns a function that returns the copies: computation after its call waits for them.
        """
        if self._stream is None or not tensors:
            copies = [
                _copy_now(tensor.data, self._device, dtype)
                for tensor, dtype in zip(tensors, dtypes, strict=True)
            ]
            return lambda: copies
        if self._prefetched is not None and list(map(id, self._prefetched[0])) == list(map(id, tensors)):
            return self._finish_prefetch
        return self._begin(tensors, dtypes).result

    def prefetch(self, tensors: Sequence[Tensor], dtypes: Sequence[torch.dtype]) -> None:
        """Begin to copy what is needed next, if there is memory; otherwise it is copied when it is needed."""
        if self._stream is None or not tensors:
            return
        self._finish_prefetch()  # the last prefetch was not used
        try:
            self._prefetched = list(tensors), self._begin(tensors, dtypes)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            log.info("not enough memory to prefetch the next block")

    def end_stage(self) -> None:
        """Free pinned memory and prefetched tensors. Later copies allocate them again."""
        try:
            self._finish_prefetch()
        finally:
            if self._side_copies is not None:
                self._side_copies.close()
            self._side_copies = None

    def _begin(self, tensors: Sequence[Tensor], dtypes: Sequence[torch.dtype]) -> PendingCopies[Any]:
        assert self._stream is not None  # noqa: S101 - asked by the callers
        if self._side_copies is None:
            self._side_copies = async_copies(self._device, self._stream)
        return self._side_copies.begin([tensor.data for tensor in tensors], dtypes)

    def _finish_prefetch(self) -> list[Tensor]:
        """Return prefetched tensors, if any. The computation waits for them even if they are unused."""
        pending, self._prefetched = self._prefetched, None
        return pending[1].result() if pending else []


def _copy_now(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Copy at once; on a CPU a large matrix, such as an embedding, into an anonymous mapping."""
    on_cpu = device.type == tensor.device.type == "cpu"
    if on_cpu and tensor.is_contiguous() and tensor.numel() * dtype.itemsize >= _LARGE:
        return copy_to_mmap(tensor, dtype)
    return tensor.to(device, dtype)
