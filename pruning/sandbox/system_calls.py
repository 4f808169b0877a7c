"""A filter of system calls: no network, no other process, no memory outside of the limits.

It names what is refused and lets the rest pass, so that it holds with every version of the C library. What
files may be opened is Landlock's part.
"""

import ctypes
import errno
import os
import platform
import struct

from pruning.sandbox.libc import prctl

_SET_SECCOMP, _FILTER = 22, 2

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets; both architectures are little-endian
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000  # another way to make the calls of x86_64

# By machine: what the kernel calls it, and the calls' numbers there.
_MACHINES = {
    "x86_64": (
        0xC000003E,
        {
            "socket": 41,
            "connect": 42,
            "accept": 43,
            "sendto": 44,
            "sendmsg": 46,
            "bind": 49,
            "listen": 50,
            "socketpair": 53,
            "accept4": 288,
            "sendmmsg": 307,
            "fork": 57,
            "vfork": 58,
            "execve": 59,
            "execveat": 322,
            "clone": 56,
            "kill": 62,
            "tkill": 200,
            "tgkill": 234,
            "rt_sigqueueinfo": 129,
            "rt_tgsigqueueinfo": 297,
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "kcmp": 312,
            "shmget": 29,
            "msgget": 68,
            "semget": 64,
            "mq_open": 240,
            "memfd_create": 319,
            "bpf": 321,
            "perf_event_open": 298,
            "userfaultfd": 323,
            "keyctl": 250,
            "add_key": 248,
            "request_key": 249,
            "open_by_handle_at": 304,
            "name_to_handle_at": 303,
            "prlimit64": 302,
            "unshare": 272,
            "setns": 308,
            "mount": 165,
            "umount2": 166,
            "pivot_root": 155,
            "chroot": 161,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "socket": 198,
            "connect": 203,
            "accept": 202,
            "sendto": 206,
            "sendmsg": 211,
            "bind": 200,
            "listen": 201,
            "socketpair": 199,
            "accept4": 242,
            "sendmmsg": 269,
            "execve": 221,
            "execveat": 281,
            "clone": 220,
            "kill": 129,
            "tkill": 130,
            "tgkill": 131,
            "rt_sigqueueinfo": 138,
            "rt_tgsigqueueinfo": 240,
            "ptrace": 117,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "kcmp": 272,
            "shmget": 194,
            "msgget": 186,
            "semget": 190,
            "mq_open": 180,
            "memfd_create": 279,
            "bpf": 280,
            "perf_event_open": 241,
            "userfaultfd": 282,
            "keyctl": 219,
            "add_key": 217,
            "request_key": 218,
            "open_by_handle_at": 265,
            "name_to_handle_at": 264,
            "prlimit64": 261,
            "unshare": 97,
            "setns": 268,
            "mount": 40,
            "umount2": 39,
            "pivot_root": 41,
            "chroot": 51,
        },
    ),
}

# Newer calls have the same number on every machine.
_EVERYWHERE = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_open": 434,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "memfd_secret": 447,
}
_CLONE3 = 435


def filter_system_calls() -> None:
    """Install the filter for this process. Needs `no_new_privs`. Raises OSError if the kernel has none."""
    machine = platform.machine()
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no filter is written for {machine}")
    program = b"".join(_program(*_MACHINES[machine]))
    buffer = ctypes.create_string_buffer(program, len(program))
    described = ctypes.create_string_buffer(struct.pack("HP", len(program) // 8, ctypes.addressof(buffer)))
    prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(described))


def _program(architecture: int, calls: dict[str, int]) -> list[bytes]:
    refused = {**calls, **_EVERYWHERE}
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
    # Its flags lie in memory, which no filter can read; the C library then takes clone.
    program += [_instruction(_EQUAL, _CLONE3, 0, 1), _fails(errno.ENOSYS)]
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
    return [*program, _instruction(_RETURN, _ALLOW)]


def _only_with(call: int, first_argument: int) -> list[bytes]:
    return [
        _instruction(_EQUAL, call, 0, 4),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_EQUAL, first_argument, 0, 1),
        _instruction(_RETURN, _ALLOW),
        _fails(errno.EPERM),
    ]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _fails(number: int) -> bytes:
    return _instruction(_RETURN, _FAIL | number)
