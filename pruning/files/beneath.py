"""Opens a file beneath a directory without following a link, safe against concurrent renames."""

import ctypes
import errno
import os
import sys
from pathlib import Path, PurePath

# Not blocking: a named pipe would wait for a writer.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC

_OPENAT2 = 437  # the system call's number wherever torch runs
_NO_SYMLINKS, _BENEATH = 0x04, 0x08  # the former refuses the links of /proc as well

# An older kernel does not have the call, and a sandbox made for one forbids it.
_OPENAT2_UNAVAILABLE = (errno.ENOSYS, errno.EPERM)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(root: Path, path: PurePath) -> int:
    """Open a file for reading, and return its descriptor.

    `path` is relative to `root`. No part of it may be a link or `..`; `root` itself may contain links. Raises
    OSError.
    """
    directory = os.open(root, _DIRECTORY)
    try:
        return _openat2(directory, path)
    except OSError as error:
        if error.errno not in _OPENAT2_UNAVAILABLE:
            raise
        return _walk(directory, path)
    finally:
        os.close(directory)


def _openat2(directory: int, path: PurePath) -> int:
    """Let the kernel resolve the whole path at once, see openat2(2)."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    how = _OpenHow(_FLAGS, 0, _NO_SYMLINKS | _BENEATH)
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.syscall(_OPENAT2, directory, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return int(descriptor)


def _walk(directory: int, path: PurePath) -> int:
    """Open one part after the other, each in the directory that was opened before it."""
    if path.is_absolute() or ".." in path.parts:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(path))
    current = os.dup(directory)
    try:
        for part in path.parts[:-1]:
            below = os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=current)
            os.close(current)
            current = below
        return os.open(path.name, _FLAGS, dir_fd=current)
    finally:
        os.close(current)
