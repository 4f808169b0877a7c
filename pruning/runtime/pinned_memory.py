"""Host memory outside the heap and torch's allocators, returned to the system as soon as it is freed.

torch's own allocator of pinned memory rounds each size up to a power of two, and keeps what was freed until
the process ends: a piece of 67.4 MB would take 134 MB for ever.
"""

import logging
import mmap
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, Protocol, Self

import torch
from torch import Tensor


def copy_to_mmap(tensor: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Copy a host tensor contiguously into an anonymous mapping; cast to `dtype` if given.

    In the heap, among short-lived tensors, a freed tensor leaves a hole that nothing larger fits into. A
    mapping returns to the system with the tensor.
    """
    dtype = dtype or tensor.dtype
    pages = mmap.mmap(-1, tensor.numel() * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=dtype).view(tensor.shape).copy_(tensor)


log = logging.getLogger(__name__)


class Pinning(Protocol):
    """Pins host memory: registers it with a device's driver, for asynchronous copies."""

    def pin(self, address: int, size: int) -> bool:
        """Pin `size` bytes of whole pages. Return False where the system refuses."""

    def unpin(self, address: int) -> None:
        """Undo `pin`, after all copies from and to that memory."""


class CudaPinning:
    """Pins memory by the CUDA runtime."""

    _PORTABLE = 1  # cudaHostRegisterPortable: pinned for all devices of the process

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def pin(self, address: int, size: int) -> bool:
        with torch.cuda.device(self._device):
            return self._clear_error(self._runtime.cudaHostRegister(address, size, self._PORTABLE)) == 0

    def unpin(self, address: int) -> None:
        torch.cuda.synchronize(self._device)
        torch.cuda.check_error(self._clear_error(self._runtime.cudaHostUnregister(address)))

    def _clear_error(self, code: Any) -> int:  # noqa: ANN401 - an enumeration in C++
        """Return an error code as a number, after clearing the runtime's last error.

        The runtime keeps its last error until it is read. torch reads it after each kernel launch, which
        would then fail for an earlier error, and has no function to clear it; so a kernel that may fail is
        launched here.
        """
        if number := int(code):
            with suppress(RuntimeError):
                torch.ones(1, device=self._device)
        return number

    @property
    def _runtime(self) -> Any:  # noqa: ANN401 - a module in C++
        return torch.cuda.cudart()  # type: ignore[no-untyped-call]


class NoPinning:
    """Pins nothing: the computation is on the CPU."""

    def pin(self, address: int, size: int) -> bool:
        return True

    def unpin(self, address: int) -> None:
        """Do nothing."""


def pinning_for(device: torch.device) -> Pinning:
    """Return the pinning of a device."""
    return CudaPinning(device) if device.type == "cuda" else NoPinning()


class PinnedArena:
    """Pinned tensors within a limit. Freed memory is reused for tensors of the same size.

    A tensor is used by copies on one stream only. So freed memory may be reused at once: the stream completes
    the earlier copies before the later ones begin.
    """

    def __init__(self, pinning: Pinning, limit: int) -> None:
        """`limit`: bytes."""
        self.size = 0  # bytes, including freed ones
        self._pinning = pinning
        self._limit = limit
        self._reusable: dict[int, list[mmap.mmap]] = defaultdict(list)  # by bytes
        self._allocated: dict[int, mmap.mmap] = {}  # by address

    def allocate(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor | None:
        """Return an uninitialised tensor, or None beyond the limit or what the system allows."""
        wanted = torch.Size(shape).numel() * dtype.itemsize
        size = -(-wanted // mmap.PAGESIZE) * mmap.PAGESIZE
        pages = self._reusable[size].pop() if self._reusable[size] else self._pinned(size)
        if pages is None:
            return None
        tensor = torch.frombuffer(pages, dtype=dtype, count=wanted // dtype.itemsize).view(*shape)
        self._allocated[tensor.data_ptr()] = pages
        return tensor

    def free(self, tensor: Tensor) -> None:
        """Free a tensor of `allocate` for reuse; any other tensor is ignored."""
        pages = self._allocated.pop(tensor.data_ptr(), None)
        if pages is not None:
            self._reusable[len(pages)].append(pages)

    def close(self) -> None:
        """Unpin everything. The memory returns to the system with the last tensor that uses it.

        All memory is unpinned even if some of it fails. The first error is raised in the end, unless another
        exception is being raised, which is its cause.
        """
        is_failing = sys.exception() is not None
        failures = list(
            filter(
                None, map(self._failure_to_unpin, chain(self._allocated.values(), *self._reusable.values()))
            )
        )
        self._allocated.clear()
        self._reusable.clear()
        self.size = 0
        if failures and not is_failing:
            raise failures[0]
        for failure in failures:
            log.warning("host memory was not unpinned: %s", failure)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _failure_to_unpin(self, pages: mmap.mmap) -> RuntimeError | None:
        try:
            self._pinning.unpin(_address(pages))
        except RuntimeError as error:
            return error
        return None

    def _pinned(self, size: int) -> mmap.mmap | None:
        if size == 0 or self.size + size > self._limit:
            return None
        try:
            pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError:  # the system has no more
            return None
        _ask_for_huge_pages(pages)
        if not self._pinning.pin(_address(pages), size):
            return None
        self.size += size
        return pages


def _ask_for_huge_pages(pages: mmap.mmap) -> None:
    """Ask for pages of 2 MiB instead of 4 KiB, which are faulted in faster when they are pinned."""
    with suppress(OSError):  # a system without huge pages
        pages.madvise(mmap.MADV_HUGEPAGE)


def _address(pages: mmap.mmap) -> int:
    return torch.frombuffer(pages, dtype=torch.uint8).data_ptr()
