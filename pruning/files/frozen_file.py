"""A file that a run reads more than once: what was checked is what is used, or the run ends.

The run keeps no copy of a model's weights: they are memory-mapped, and any process that may write to the file
can change them while they are used. So a file is frozen: its inode, size and times are noted before it is
read, and compared whenever it is opened again, when a block is finished and at the end. A write changes the
inode's times, and no program can set the time of the last change. That includes a write through a mapping of
the file, because freezing the file writes its pages back, after which the kernel notices the first write to
each.

File systems in memory (tmpfs) do not notice writes through a mapping. There and on file systems that keep no
exact times, a second hash at the end is what finds a change; see `pruning.files.publications`.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import NamedTuple, Self

from pruning.errors import InvalidInput
from pruning.files.beneath import open_beneath

_CHUNK = 1 << 20
TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)
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

        Raises InvalidInput with the field if the file was changed or replaced, before the body or meanwhile.
        """
        try:
            descriptor = open_beneath(self.root, self.path)
        except OSError as error:
            raise (self.too_many_open_files() if error.errno in TOO_MANY_OPEN else self.changed()) from error
        try:
            self._compare(descriptor)
            yield _DESCRIPTORS / str(descriptor)
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

    def changed(self) -> InvalidInput:
        """Return the error of a file that is not what it was."""
        return InvalidInput(
            f"{self.name} was changed, replaced or removed while it was in use: leave a run's files as they "
            "are until it has ended, and start it again",
            field=self.field,
        )

    def too_many_open_files(self) -> InvalidInput:
        """Return the error of a file for which the process has no descriptor left."""
        return InvalidInput(
            f"{self.name} cannot be opened beside the model's other files: the limit of open files "
            "(ulimit -n) is too low for so many; raise it, or save the model in fewer files",
            field=self.field,
        )

    def _compare(self, descriptor: int) -> None:
        try:
            same = _Inode.of(descriptor) == self.inode
        except OSError:
            same = False
        if not same:
            raise self.changed()
