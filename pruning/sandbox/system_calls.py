"""A seccomp filter: no network, no other process, no unlimited memory, no change of a file's mode or times.

It names what is refused and allows the rest, so that it holds with every version of the C library. Which
files may be opened is restricted by Landlock.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Sequence

from pruning.sandbox.privileges import prctl

X86_64, AARCH64 = 0, 1
"""Index of an architecture's numbers."""

# None: the architecture has no such call.
NUMBERS: dict[str, tuple[int | None, int | None]] = {
    # the network
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "accept4": (288, 242),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "bind": (49, 200),
    "listen": (50, 201),
    "socketpair": (53, 199),
    # programs and processes
    "fork": (57, None),
    "vfork": (58, None),
    "clone": (56, 220),
    "execve": (59, 221),
    "execveat": (322, 281),
    # signals and memory of other processes
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "prlimit64": (302, 261),
    # memory, semaphores and queues of System V and POSIX
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_unlink": (241, 181),
    # memory outside of limits, and kernel virtual machines
    "memfd_create": (319, 279),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    # access to files other than by name
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    # namespaces and mounts
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    # files' modes, owners, times and attributes, which Landlock does not cover; watching files
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "inotify_add_watch": (254, 27),
    "fanotify_init": (300, 262),
    # scheduling and memory placement of this user's processes
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # allowed except for some commands
    "fcntl": (72, 25),
    "ioctl": (16, 29),
}

# Newer calls have the same number on all architectures.
COMMON_NUMBERS = {
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
    "process_mrelease": 448,
    "fchmodat2": 452,
    "setxattrat": 463,
    "removexattrat": 466,
    "file_setattr": 469,
}
CLONE3 = 435


_SET_SECCOMP, _FILTER = 22, 2

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# Offsets; both architectures are little-endian.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000  # another way to make the calls of x86_64

# By machine: the kernel's constant, and the index of its numbers.
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
    refused = {**own, **COMMON_NUMBERS}
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
    # Its flags are in memory, which no filter can read; the C library falls back to clone.
    program += [_instruction(_EQUAL, CLONE3, 0, 1), _fails(errno.ENOSYS)]
    # Threads, but no processes.
    program += [
        _instruction(_EQUAL, clone, 0, 4),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_ANY_BIT, _CLONE_THREAD, 0, 1),
        _instruction(_RETURN, _ALLOW),
        _fails(errno.EPERM),
    ]
    # Limits of this process, which it can only lower, and signals to itself, by which libraries abort.
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
