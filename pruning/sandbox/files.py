"""Which files a helper may open: those that it is given, and the Python installation (Landlock)."""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pruning.sandbox.libc import libc, succeeded

# The calls' numbers on every machine.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_ASK_VERSION, _BENEATH = 1, 1

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


def installation() -> Iterator[Path]:
    """What a Python process reads to run: the interpreter, libraries, this package."""
    yield from map(Path, _SYSTEM_PATHS)
    yield from map(Path, (sys.prefix, sys.base_prefix, sys.exec_prefix))
    yield from (path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages"))
    yield Path(__file__).parents[1]


def restrict_reads(descriptors: Iterable[int], private: Path | None, readable: Iterable[Path] = ()) -> None:
    """From now on let this process open these files and the installation for reading, and nothing else.

    `private`: a directory whose files it may also replace. `readable`: further files and directories. Needs
    `no_new_privs`. Raises OSError where the kernel has no Landlock.
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
        for path in (*installation(), *readable):
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
    """From now on let this process make, change and remove no file, wherever it could before.

    Needs `no_new_privs`. Raises OSError where the kernel has no Landlock.
    """
    rules = _rules(struct.pack("=Q", _RIGHTS.get(_version(), _NEWEST_RIGHTS) & ~_READ_OR_RUN))
    try:
        _restrict(rules)  # without a rule, nowhere
    finally:
        os.close(rules)


def _version() -> int:
    return succeeded(libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION)))


def _rules(attributes: bytes) -> int:
    return succeeded(
        libc().syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    )


def _restrict(rules: int) -> None:
    succeeded(libc().syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint32(0)))


def _allow_path(rules: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not every system has all of them
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
        if error.errno != errno.EBADFD:  # a file that is in no file system needs no rule
            raise
