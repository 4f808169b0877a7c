"""What the process of the API sets for itself, before it starts its first thread."""

import gc
import sys

_SWITCH_SECONDS = 0.001


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
