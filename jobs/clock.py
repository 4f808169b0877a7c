"""The clock by which processes of one machine time leases."""

import time


def boot_time() -> float:
    """Return the seconds since this machine was started, also those in which it was suspended.

    All processes of the machine share this clock. That of `time.monotonic` stands still in a suspension,
    while leases expire.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)
