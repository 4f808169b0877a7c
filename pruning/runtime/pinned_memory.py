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


def copy_to_own_pages(tensor: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Copy a host tensor of any shape, contiguously, into pages of its own; cast to `dtype` if given."""
    dtype = dtype or tensor.dtype
    pages = mmap.mmap(-1, tensor.numel() * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=dtype).view(tensor.shape).copy_(tensor)


log = logging.getLogger(__name__)


class Pinning(Protocol):
    """Registers with a device's driver the host memory that it may copy from and to by itself."""

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
            return self._handled(self._runtime.cudaHostRegister(address, size, self._PORTABLE)) == 0

    def unpin(self, address: int) -> None:
        torch.cuda.synchronize(self._device)
        torch.cuda.check_error(self._handled(self._runtime.cudaHostUnregister(address)))

    def _handled(self, code: Any) -> int:  # noqa: ANN401 - an enumeration in C++
        """Return an error code as a number, so that no later caller meets the error.

        The runtime keeps its last error until it is asked for, and torch asks after it has launched a
        kernel, which would then fail for an error that is not its own. It does not offer to ask, so a kernel
        that may fail is launched here.
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
    """Return how memory is pinned for a device."""
    return CudaPinning(device) if device.type == "cuda" else NoPinning()


class PinnedArena:
    """Pinned tensors within a limit. What is given back is used again for tensors of the same size.

    A tensor is used by copies on one stream only. So what is given back may be taken at once: the stream ends
    the earlier copies before the later ones begin.
    """

    def __init__(self, pinning: Pinning, limit: int) -> None:
        """`limit`: bytes."""
        self.size = 0  # bytes, those that were given back included
        self._pinning = pinning
        self._limit = limit
        self._free: dict[int, list[mmap.mmap]] = defaultdict(list)  # by bytes
        self._taken: dict[int, mmap.mmap] = {}  # by address

    def take(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor | None:
        """Return an uninitialised tensor, or None where the limit or the system does not allow it."""
        wanted = torch.Size(shape).numel() * dtype.itemsize
        size = -(-wanted // mmap.PAGESIZE) * mmap.PAGESIZE
        pages = self._free[size].pop() if self._free[size] else self._pinned(size)
        if pages is None:
            return None
        tensor = torch.frombuffer(pages, dtype=dtype, count=wanted // dtype.itemsize).view(*shape)
        self._taken[tensor.data_ptr()] = pages
        return tensor

    def give_back(self, tensor: Tensor) -> None:
        """Take back a tensor of `take`, which is not used any more; another tensor is ignored."""
        pages = self._taken.pop(tensor.data_ptr(), None)
        if pages is not None:
            self._free[len(pages)].append(pages)

    def close(self) -> None:
        """Unpin everything. The memory returns to the system with the last tensor that uses it.

        What cannot be unpinned does not keep the rest pinned. Its error is raised in the end, unless another
        one is on its way through here: that one is the cause, and is not replaced.
        """
        is_failing = sys.exception() is not None
        failures = list(
            filter(None, map(self._failure_to_unpin, chain(self._taken.values(), *self._free.values())))
        )
        self._taken.clear()
        self._free.clear()
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
    """Let the system fill the memory 2 MiB at a time, not 4 KiB: pinning waits while it does."""
    with suppress(OSError):  # a system without huge pages
        pages.madvise(mmap.MADV_HUGEPAGE)


def _address(pages: mmap.mmap) -> int:
    return torch.frombuffer(pages, dtype=torch.uint8).data_ptr()
