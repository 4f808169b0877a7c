"""Keeps freed heap memory in the process while a stage works, by tuning glibc's allocator.

By default glibc returns a large block to the system when it is freed, and the kernel clears and maps every
page of the next one. A pass through a model allocates and frees gigabytes of activations and logits per
window, and would spend a tenth of its time on that.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of glibc's mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

_LARGEST_RETAINED = 1 << 30  # larger blocks would leave holes in the heap that little fits into
_NEVER = -1

# The values up to which glibc raises both by itself, as long as neither is set.
_DEFAULT_MMAP_THRESHOLD = 32 << 20
_DEFAULT_TRIM_THRESHOLD = 2 * _DEFAULT_MMAP_THRESHOLD


@contextmanager
def retain_freed_heap(largest: int = _LARGEST_RETAINED) -> Iterator[None]:
    """While active, retain freed blocks of up to `largest` bytes; on exit, return them to the system.

    glibc returns what lies at the end of its heap, and whole free pages. With another C library this does
    nothing. Do not nest it.
    """
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "malloc_trim")):
        yield
        return
    _set_thresholds(library, largest, _NEVER)
    try:
        yield
    finally:
        _set_thresholds(library, _DEFAULT_MMAP_THRESHOLD, _DEFAULT_TRIM_THRESHOLD)
        library.malloc_trim(0)


def return_freed_heap() -> None:
    """Return freed blocks to the system, such as those of a model's copy that outlived its stage's heap."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def _set_thresholds(library: ctypes.CDLL, mmap: int, trim: int) -> None:
    library.mallopt(_MMAP_THRESHOLD, mmap)
    library.mallopt(_TRIM_THRESHOLD, trim)
