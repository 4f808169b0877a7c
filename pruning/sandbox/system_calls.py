"""A filter of system calls: no network, no other process, no unlimited memory, no mode or time of a file.

It names what is refused and lets the rest pass, so that it holds with every version of the C library. What
files may be opened is Landlock's part.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Sequence

from pruning.sandbox.call_numbers import AARCH64, CLONE3, EVERYWHERE, NUMBERS, X86_64
from pruning.sandbox.libc import prctl

_SET_SECCOMP, _FILTER = 22, 2

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# Offsets; both architectures are little-endian.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000  # another way to make the calls of x86_64

# By machine: what the kernel calls it, and which numbers are its own.
_MACHINES = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}

_OWNER_OF_SIGNALS, _SIGNAL, _OWNER_AS_STRUCT, _LEASE, _WATCH = 8, 10, 15, 1024, 1026
_OWNER_BY_IOCTL, _GROUP_BY_IOCTL, _FLAGS, _ATTRIBUTES = 0x8901, 0x8902, 0x40086602, 0x401C5820

# Commands by which a descriptor sends signals to any process of this user, or watches or changes a file.
_REFUSED_COMMANDS = {
    "fcntl": (_OWNER_OF_SIGNALS, _SIGNAL, _OWNER_AS_STRUCT, _LEASE, _WATCH),
    "ioctl": (_OWNER_BY_IOCTL, _GROUP_BY_IOCTL, _FLAGS, _ATTRIBUTES),
}


def filter_system_calls() -> None:
    """Install the filter for this process. Needs `no_new_privs`. Raises OSError if the kernel has none."""
    machine = platform.machine()
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no filter is written for {machine}")
    program = b"".join(_program(*_MACHINES[machine]))
    buffer = ctypes.create_string_buffer(program, len(program))
    described = ctypes.create_string_buffer(struct.pack("HP", len(program) // 8, ctypes.addressof(buffer)))
    prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(described))


def _program(architecture: int, machine: int) -> list[bytes]:
    own = {name: number for name, numbers in NUMBERS.items() if (number := numbers[machine]) is not None}
    refused = {**own, **EVERYWHERE}
    commands = {refused.pop(name): values for name, values in _REFUSED_COMMANDS.items()}
    clone, limits, signal = (refused.pop(name) for name in ("clone", "prlimit64", "tgkill"))
    program = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, architecture, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
        _instruction(_AT_LEAST, _X32, 0, 1),
        _fails(errno.EPERM),
    ]
    for number in refused.values():
        program += [_instruction(_EQUAL, number, 0, 1), _fails(errno.EPERM)]
    # Its flags are in memory, which no filter can read; the C library then takes clone.
    program += [_instruction(_EQUAL, CLONE3, 0, 1), _fails(errno.ENOSYS)]
    # Threads, but no processes.
    program += [
        _instruction(_EQUAL, clone, 0, 4),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_ANY_BIT, _CLONE_THREAD, 0, 1),
        _instruction(_RETURN, _ALLOW),
        _fails(errno.EPERM),
    ]
    # Limits of this process, which it can only lower, and a signal to itself, by which libraries give up.
    program += [*_only_with(limits, 0), *_only_with(signal, os.getpid())]
    for number, values in commands.items():
        program += _without(number, values)
    return [*program, _instruction(_RETURN, _ALLOW)]


def _only_with(call: int, first_argument: int) -> list[bytes]:
    return [
        _instruction(_EQUAL, call, 0, 4),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_EQUAL, first_argument, 0, 1),
        _instruction(_RETURN, _ALLOW),
        _fails(errno.EPERM),
    ]


def _without(call: int, commands: Sequence[int]) -> list[bytes]:
    """A call whose second argument is a command, of which the kernel, too, takes the low 32 bits."""
    body = [_instruction(_LOAD, _SECOND_ARGUMENT)]
    for command in commands:
        body += [_instruction(_EQUAL, command, 0, 1), _fails(errno.EPERM)]
    body.append(_instruction(_RETURN, _ALLOW))
    return [_instruction(_EQUAL, call, 0, len(body)), *body]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _fails(number: int) -> bytes:
    return _instruction(_RETURN, _FAIL | number)
