"""Drops a helper's privileges irrevocably: new privileges, capabilities, the network."""

import ctypes
import os
import struct

from pruning.sandbox.libc import libc, prctl, succeeded

_SET_NO_NEW_PRIVS, _SET_PARENT_DEATH_SIGNAL, _SET_DUMPABLE = 38, 1, 4
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_CAPABILITIES_VERSION = 0x20080522
_READ_ANY_FILE = 1 << 2  # CAP_DAC_READ_SEARCH


def end_with_parent(parent: int) -> None:
    """Be killed when the process `parent` ends, or now if it has."""
    prctl(_SET_PARENT_DEATH_SIGNAL, 9)
    if os.getppid() != parent:
        os._exit(1)


def give_up_new_privileges() -> None:
    """Neither this process nor what it starts can gain privileges by a program's file. Raises OSError."""
    prctl(_SET_NO_NEW_PRIVS, 1)


def close_to_others() -> None:
    """Let no other process of this user trace this one or read its memory. Raises OSError."""
    prctl(_SET_DUMPABLE, 0)


def leave_network() -> None:
    """Move into a network of its own, without a single device. Raises OSError where the kernel refuses.

    A process without privileges needs a namespace of users for that. There it may not look into its parent,
    even though both are the same user's.
    """
    try:
        succeeded(libc().unshare(_NEW_NETWORK))
    except OSError:
        succeeded(libc().unshare(_NEW_USER | _NEW_NETWORK))


def drop_capabilities() -> None:
    """Drop all. Root keeps the one to read files of other users, which it is given. Raises OSError."""
    kept = _READ_ANY_FILE if os.geteuid() == 0 else 0
    header = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
    sets = struct.pack("=6I", kept, kept, 0, 0, 0, 0)
    try:
        succeeded(libc().capset(ctypes.create_string_buffer(header), ctypes.create_string_buffer(sets)))
    except PermissionError:  # root of a container that lacks even this one
        sets = struct.pack("=6I", 0, 0, 0, 0, 0, 0)
        succeeded(libc().capset(ctypes.create_string_buffer(header), ctypes.create_string_buffer(sets)))
