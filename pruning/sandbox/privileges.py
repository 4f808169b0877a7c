"""Drops a helper's privileges irrevocably: new privileges, capabilities, network, files (Landlock)."""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path


@cache
def libc() -> ctypes.CDLL:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def succeeded(returned: int) -> int:
    """Return the result of a call of the C library. Raises OSError if it is negative."""
    if returned < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return returned


def prctl(option: int, *arguments: int) -> None:
    """Call prctl(2). Raises OSError."""
    values = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    succeeded(libc().prctl(ctypes.c_int(option), *values))


_SET_NO_NEW_PRIVS, _SET_PARENT_DEATH_SIGNAL, _SET_DUMPABLE = 38, 1, 4
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_CAPABILITIES_VERSION = 0x20080522
_DAC_READ_SEARCH = 1 << 2


def die_with_parent(parent: int) -> None:
    """Have this process killed when the process `parent` ends, or now if it has ended."""
    prctl(_SET_PARENT_DEATH_SIGNAL, 9)
    if os.getppid() != parent:
        os._exit(1)


def set_no_new_privileges() -> None:
    """Set no_new_privs: no program that this process executes gains privileges. Raises OSError."""
    prctl(_SET_NO_NEW_PRIVS, 1)


def close_to_others() -> None:
    """Deny other processes of this user to trace this one or read its memory. Raises OSError."""
    prctl(_SET_DUMPABLE, 0)


def unshare_network() -> None:
    """Enter a new network namespace, without any device. Raises OSError where the kernel refuses.

    An unprivileged process needs a new user namespace for that, from which it cannot inspect its parent
    either.
    """
    try:
        succeeded(libc().unshare(_NEW_NETWORK))
    except OSError:
        succeeded(libc().unshare(_NEW_USER | _NEW_NETWORK))


def drop_capabilities() -> None:
    """Drop all capabilities; root keeps the one to read files of other users. Raises OSError."""
    kept = _DAC_READ_SEARCH if os.geteuid() == 0 else 0
    header = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
    sets = struct.pack("=6I", kept, kept, 0, 0, 0, 0)
    try:
        succeeded(libc().capset(ctypes.create_string_buffer(header), ctypes.create_string_buffer(sets)))
    except PermissionError:  # root of a container without even this one
        sets = struct.pack("=6I", 0, 0, 0, 0, 0, 0)
        succeeded(libc().capset(ctypes.create_string_buffer(header), ctypes.create_string_buffer(sets)))


# The calls' numbers on every machine.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_FLAG, _BENEATH = 1, 1

# By the version of the kernel's interface: the rights on files that it knows.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_NEWEST_RIGHTS = (1 << 16) - 1
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_TCP, _SIGNALS_AND_SOCKETS = 0b11, 0b11

_WRITE_FILE, _READ_FILE, _READ_DIRECTORY, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
_REMOVE_FILE, _MAKE_FILE = 1 << 5, 1 << 8
_READ = _READ_FILE | _READ_DIRECTORY
_REPLACE = _READ | _WRITE_FILE | _TRUNCATE | _REMOVE_FILE | _MAKE_FILE
_FILE_RIGHTS = _WRITE_FILE | _READ_FILE | _TRUNCATE

_READ_OR_RUN = _READ | 1 << 0

_SYSTEM_PATHS = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/urandom")
_SINK = Path("/dev/null")


def installation_paths() -> Iterator[Path]:
    """Yield the paths that a Python process reads: the interpreter, libraries, this package."""
    yield from map(Path, _SYSTEM_PATHS)
    yield from map(Path, (sys.prefix, sys.base_prefix, sys.exec_prefix))
    yield from (path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages"))
    yield Path(__file__).parents[1]


def restrict_reads(descriptors: Iterable[int], private: Path | None, readable: Iterable[Path] = ()) -> None:
    """Restrict this process to reading these files and the installation (Landlock).

    `private`: a directory whose files it may also replace. Needs `no_new_privs`. Raises OSError where the
    kernel has no Landlock.
    """
    version = _version()
    handled = _RIGHTS.get(version, _NEWEST_RIGHTS)
    attributes = struct.pack("=Q", handled)
    if version >= _NETWORK_SINCE:
        attributes += struct.pack("=Q", _TCP)
    if version >= _SCOPES_SINCE:
        attributes += struct.pack("=Q", _SIGNALS_AND_SOCKETS)
    rules = _rules(attributes)
    try:
        for path in (*installation_paths(), *readable):
            _allow_path(rules, path, _READ & handled)
        _allow_path(rules, _SINK, _FILE_RIGHTS & handled)  # libraries open it for writing when imported
        if private is not None:
            _allow_path(rules, private, _REPLACE & handled)
        for descriptor in descriptors:
            _allow(rules, descriptor, _READ_FILE)
        _restrict(rules)
    finally:
        os.close(rules)


def deny_changes() -> None:
    """Deny this process to create, change and remove files (Landlock).

    Needs `no_new_privs`. Raises OSError where the kernel has no Landlock.
    """
    rules = _rules(struct.pack("=Q", _RIGHTS.get(_version(), _NEWEST_RIGHTS) & ~_READ_OR_RUN))
    try:
        _restrict(rules)  # without a rule, nowhere
    finally:
        os.close(rules)


def _version() -> int:
    return succeeded(libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG)))


def _rules(attributes: bytes) -> int:
    return succeeded(
        libc().syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    )


def _restrict(rules: int) -> None:
    succeeded(libc().syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint32(0)))


def _allow_path(rules: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # missing on some systems
        return
    try:
        _allow(rules, descriptor, rights if path.is_dir() else rights & _FILE_RIGHTS)
    finally:
        os.close(descriptor)


def _allow(rules: int, descriptor: int, rights: int) -> None:
    rule = struct.pack("=Qi", rights, descriptor)
    try:
        succeeded(libc().syscall(_ADD, ctypes.c_int(rules), ctypes.c_int(_BENEATH), rule, ctypes.c_uint32(0)))
    except OSError as error:
        if error.errno != errno.EBADFD:  # a file outside of any file system needs no rule
            raise
