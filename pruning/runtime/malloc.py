"""Memory that a stage frees stays with the process, for what the stage allocates next.

glibc gives a large block back to the system when it is freed, and takes a new one for the next tensor: the
kernel clears and maps each of its pages when it is first touched. A pass through a model allocates and frees
gigabytes of activations and logits, window after window, and would spend a tenth of its time so.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of glibc's mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

_LARGEST_KEPT = 1 << 30  # a larger block is worth its own pages: it would leave a hole that little fits into
_NEVER = -1

# As far as glibc would raise both by itself, had they never been set.
_USUAL_MMAP_THRESHOLD = 32 << 20
_USUAL_TRIM_THRESHOLD = 2 * _USUAL_MMAP_THRESHOLD


@contextmanager
def retain_freed_heap(largest: int = _LARGEST_KEPT) -> Iterator[None]:
    """While active, freed memory is kept, but for blocks of more than `largest` bytes; behind it, all of it
    goes back to the system, as far as glibc finds it at the end of its heap or in whole pages.

    Changes nothing where the C library is not glibc. Not to be nested.
    """
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "malloc_trim")):
        yield
        return
    _set_thresholds(library, largest, _NEVER)
    try:
        yield
    finally:
        _set_thresholds(library, _USUAL_MMAP_THRESHOLD, _USUAL_TRIM_THRESHOLD)
        library.malloc_trim(0)


def _set_thresholds(library: ctypes.CDLL, mmap: int, trim: int) -> None:
    library.mallopt(_MMAP_THRESHOLD, mmap)
    library.mallopt(_TRIM_THRESHOLD, trim)
