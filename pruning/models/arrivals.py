"""Tensors on their way from the host to a device: those needed now, and ahead of time the next ones."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pruning.runtime.device import is_out_of_memory
from pruning.runtime.pinned_memory import copy_to_own_pages
from pruning.runtime.side_copies import CopyStream, PendingCopies, SideCopies, side_copies

log = logging.getLogger(__name__)

_LARGE = 1 << 25  # bytes; smaller copies, as those of most blocks, find room again in the heap


class Arrivals:
    """Copies tensors to one device: at once, or on a stream that overlaps with its computation."""

    def __init__(self, device: torch.device, stream: CopyStream[Any] | None) -> None:
        """`stream`: None where copies cannot overlap with the computation."""
        self._device = device
        self._stream = stream  # kept: each stream keeps memory of its own
        self._side_copies: SideCopies[Any] | None = None
        self._ahead: tuple[list[Tensor], PendingCopies[Any]] | None = None

    def begin(self, tensors: Sequence[Tensor], dtypes: Sequence[torch.dtype]) -> Callable[[], list[Tensor]]:
        """Begin to copy `tensors`, cast to `dtypes`, unless that was begun ahead.

        Returns a function that returns the copies; whatever is computed after its call finds them filled.
        """
        if self._stream is None or not tensors:
            copies = [
                _copied(tensor.data, self._device, dtype)
                for tensor, dtype in zip(tensors, dtypes, strict=True)
            ]
            return lambda: copies
        if self._ahead is not None and list(map(id, self._ahead[0])) == list(map(id, tensors)):
            return self._finish_ahead
        return self._begin(tensors, dtypes).result

    def begin_ahead(self, tensors: Sequence[Tensor], dtypes: Sequence[torch.dtype]) -> None:
        """Begin to copy what is needed next, if there is room; else it is copied when it is needed."""
        if self._stream is None or not tensors:
            return
        self._finish_ahead()  # it was not requested
        try:
            self._ahead = list(tensors), self._begin(tensors, dtypes)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            log.info("no room to copy the next block while this one computes")

    def end_stage(self) -> None:
        """Free pinned memory, and what was copied ahead. Later copies take it again."""
        try:
            self._finish_ahead()
        finally:
            if self._side_copies is not None:
                self._side_copies.close()
            self._side_copies = None

    def _begin(self, tensors: Sequence[Tensor], dtypes: Sequence[torch.dtype]) -> PendingCopies[Any]:
        assert self._stream is not None  # noqa: S101 - asked by the callers
        if self._side_copies is None:
            self._side_copies = side_copies(self._device, self._stream)
        return self._side_copies.begin([tensor.data for tensor in tensors], dtypes)

    def _finish_ahead(self) -> list[Tensor]:
        """Return what was copied ahead, if anything. The computation waits for it, used or not."""
        ahead, self._ahead = self._ahead, None
        return ahead[1].result() if ahead else []


def _copied(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Copy at once; a large matrix, such as an embedding, on a CPU into pages that go back with it."""
    on_cpu = device.type == tensor.device.type == "cpu"
    if on_cpu and tensor.is_contiguous() and tensor.numel() * dtype.itemsize >= _LARGE:
        return copy_to_own_pages(tensor, dtype)
    return tensor.to(device, dtype)
