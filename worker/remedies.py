"""The operating system's errors of a directory or a device of the machine, each with its remedy."""

import errno
import os

WORK_DIRECTORY = "work directory (PRUNESERVE_WORK_DIR)"
HUB_CACHE = "cache of the Hub's files (HF_HOME)"

_REMEDIES = {
    errno.EROFS: "mount it for writing again, and look at what the kernel says of the disk",
    errno.EACCES: "give the worker's user access to it",
    errno.EPERM: "give the worker's user access to it",
    errno.ENFILE: "raise the system's limit of open files",
    errno.EMFILE: "raise the worker's limit of open files",
    errno.ENOTDIR: "make it a directory",
    errno.EEXIST: "make it a directory",
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "make room on its disk, or raise the quota of the worker's user",
}


def code_of(number: int) -> str:
    """Return what the system calls an error: `ENOSPC`."""
    return errno.errorcode.get(number, f"error {number}")


def with_remedy(number: int) -> str:
    """Return an error of the system, in brackets, and what to do: it follows what cannot be used."""
    remedy = _REMEDIES.get(number, "look at the disk, and at what the kernel says of it")
    return f"({code_of(number)}, {os.strerror(number)}); {remedy}"
