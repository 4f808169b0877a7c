"""System calls that Python has no function for."""

import ctypes
import os
from functools import cache


@cache
def libc() -> ctypes.CDLL:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def succeeded(returned: int) -> int:
    """Return what a call of the C library returned. Raises OSError where it says that it failed."""
    if returned < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return returned


def prctl(option: int, *arguments: int) -> None:
    """Raises OSError."""
    values = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    succeeded(libc().prctl(ctypes.c_int(option), *values))
