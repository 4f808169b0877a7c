"""What the process of the API sets for itself, before it starts its first thread."""

import ctypes
import gc
import sys

_ARENA_MAX = -8  # a parameter of glibc's mallopt(3)
_ARENAS = 2
_SWITCH_SECONDS = 0.001


def share_heaps() -> None:
    """Let the threads share two heaps.

    By default glibc makes eight for each core, and what a thread frees serves that heap alone: under requests
    of all kinds the process grows for hours. With another C library this does nothing.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_ARENA_MAX, _ARENAS)


def switch_threads_often() -> None:
    """Let a thread that computes hand on to one that waits after a millisecond; Python's default is five.

    The event loop, which probes wait for, takes turns with every thread that answers a request.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)


def keep_from_collector() -> None:
    """Take what there is by now, modules and routes, out of what the garbage collector looks through.

    A full collection stops every thread, and would look through all of it each time.
    """
    gc.collect()
    gc.freeze()
