"""Files that users name, in allowed directories: what was checked is what is used, or the run ends.

The run keeps no copy of a model's weights: they are memory-mapped, and any process that may write to the file
can change them while they are used. So a file is frozen: its inode, size and times are recorded before it is
read, and compared whenever it is opened again, when a block is finished and at the end. A write changes the
inode's times, and no program can set the time of the last change. That includes a write through a mapping of
the file, because freezing the file writes its pages back, after which the kernel notices the first write to
each.

File systems in memory (tmpfs) do not notice writes through a mapping. There and on file systems that keep no
exact times, a second hash at the end is what finds a change; see `pruning.files.verified_publisher`.
"""

import ctypes
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import NamedTuple, Self

from pruning.errors import InvalidInput

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


_CHUNK = 1 << 20

TOO_MANY_OPEN_ERRNOS = (errno.EMFILE, errno.ENFILE)

# EHOSTDOWN and ETIMEDOUT: of a server that a directory is mounted from.
_MACHINE_ERRNOS = frozenset(
    {*TOO_MANY_OPEN_ERRNOS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT}
)


def is_of_the_machine(error: BaseException) -> bool:
    """Whether an error is one of the machine, which no user can cause: it says nothing about the file."""
    return isinstance(error, OSError) and error.errno in _MACHINE_ERRNOS


def too_many_open_files(name: str, field: str) -> InvalidInput:
    """Return the error of a file of a model for which the process has no descriptor left."""
    return InvalidInput(
        f"{name} cannot be opened in addition to the model's other files: the limit of open files "
        "(ulimit -n) is too low for so many; raise it, or save the model in fewer files",
        field=field,
    )


_DESCRIPTORS = Path("/proc/self/fd") if Path("/proc/self/fd").is_dir() else Path("/dev/fd")


class _Inode(NamedTuple):
    device: int
    number: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, descriptor: int) -> Self:
        """Raise OSError for anything but a regular file."""
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("not a regular file")
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(frozen=True)
class FrozenFile:
    """A file at a path below an allowed directory, by its inode. It holds no open descriptor."""

    name: str  # for messages: the caller's own name for it, never a path of this machine
    field: str  # of the request that names it
    root: Path
    path: PurePath  # below `root`, without links
    inode: _Inode
    sha256: str | None = None  # 64 hex digits, once known

    @classmethod
    def freeze(cls, root: Path, path: PurePath, *, name: str, field: str) -> Self:
        """Open a file and note its inode. Raises OSError."""
        descriptor = open_beneath(root, path)
        try:
            with suppress(OSError):  # some file systems cannot
                os.fsync(descriptor)  # from here on a write through a mapping changes the times
            return cls(name, field, root, path, _Inode.of(descriptor))
        finally:
            os.close(descriptor)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.inode.size

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """Open the file, and yield a path that opens this very inode again, even after it is renamed.

        Raises InvalidInput with the field if the file was changed or replaced, before the body or meanwhile,
        and OSError where the machine fails.
        """
        try:
            descriptor = open_beneath(self.root, self.path)
        except OSError as error:
            if error.errno in TOO_MANY_OPEN_ERRNOS:  # the model's files are open
                raise self.too_many_open_files_error() from error
            if is_of_the_machine(error):
                raise
            raise self.changed_error() from error
        try:
            self._compare(descriptor)
            try:
                yield _DESCRIPTORS / str(descriptor)
            except InvalidInput:  # perhaps only because the machine fails, whose error a library has hidden
                self._compare(descriptor)
                raise
            self._compare(descriptor)
        finally:
            os.close(descriptor)

    def check(self) -> None:
        """Raise InvalidInput with the field if the file was changed or replaced since it was frozen."""
        with self.opened():
            pass

    def digest(self, stop: Callable[[], bool] = lambda: False) -> str:
        """Read the whole file and return its SHA-256, or that of a part once `stop` returns True."""
        digest = hashlib.sha256()
        with self.opened() as path, path.open("rb", buffering=0) as file:
            chunk = memoryview(bytearray(_CHUNK))
            while not stop() and (count := file.readinto(chunk)):
                digest.update(chunk[:count])
        return digest.hexdigest()

    def hashed(self) -> Self:
        """Return the file with its SHA-256."""
        return replace(self, sha256=self.digest())

    def changed_error(self) -> InvalidInput:
        """Return the error of a changed file."""
        return InvalidInput(
            f"{self.name} was changed, replaced or removed while it was in use: leave a run's files as they "
            "are until it has ended, and start it again",
            field=self.field,
        )

    def too_many_open_files_error(self) -> InvalidInput:
        """Return the error of a file for which the process has no descriptor left."""
        return too_many_open_files(self.name, self.field)

    def _compare(self, descriptor: int) -> None:
        try:
            same = _Inode.of(descriptor) == self.inode
        except OSError as error:
            if is_of_the_machine(error):
                raise
            same = False
        if not same:
            raise self.changed_error()


@dataclass(frozen=True)
class AllowedRoots:
    """The directories that may contain local models and texts. None allows any, for use as a library."""

    models: tuple[Path, ...] | None = None
    data: tuple[Path, ...] | None = None
    tasks: tuple[Path, ...] = ()  # directories of task definitions, which are run as code


def freeze(path: Path, roots: Sequence[Path] | None, *, field: str, name: str | None = None) -> FrozenFile:
    """Find a file by its real path, with all symbolic links resolved here and never again.

    `name`: for messages; by default the last part of the path. Raises InvalidInput with `field` if it is
    outside the roots, checked first so that the error does not reveal what exists outside them, or if it is
    not a readable file. Raises OSError where the machine fails.
    """
    try:
        real = path.resolve()
        root = _root_of(real, roots)
        if root is None:
            # Without their names, which are the operator's: the owner of a job reads this.
            none = "" if roots else " (none is configured)"
            raise InvalidInput(f"{path} is outside the allowed directories{none}", field=field)
        return FrozenFile.freeze(root, real.relative_to(root), name=name or path.name, field=field)
    except (OSError, RuntimeError) as error:  # a name that is too long, a loop of links, no permission
        if is_of_the_machine(error):
            raise
        raise InvalidInput(f"{path} does not exist or is not a readable file", field=field) from error


def _root_of(real: Path, roots: Sequence[Path] | None) -> Path | None:
    """Return the real path of the root that contains a real path; None if there is no such root."""
    if roots is None:
        return Path(real.anchor)
    return next((root for root in map(Path.resolve, roots) if real.is_relative_to(root)), None)


def freeze_by_content(name: str, roots: Sequence[Path] | None, *, field: str) -> FrozenFile:
    """Return the file `<sha256>.<extension>` in one of the roots, after verifying its content by its name.

    Raises InvalidInput with `field` if no root has it, or if its content does not match.
    """
    for root in roots or ():
        if (root / name).is_file():
            file = freeze(root / name, roots, field=field).hashed()
            if file.sha256 != name.partition(".")[0]:
                raise InvalidInput(f"{name} is damaged: its SHA-256 is {file.sha256}", field=field)
            return file
    raise InvalidInput(
        f"no allowed directory holds {name}: put the file in one of them under that name", field=field
    )
