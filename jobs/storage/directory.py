"""A store that is a directory: what obstore does not do for one.

The API, the scheduler and all workers share it, and a worker that was taken over may put links there. So no
read follows one: a file that only the API may read is not to leave through it.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from jobs.storage.errors import StoreUnreachable, directory_error
from pruning.files.frozen_file import open_beneath


def open_file(directory: Path, key: str) -> BinaryIO:
    """Open a stored file. Raises FileNotFoundError, and StoreUnreachable for another error of the disk."""
    try:
        descriptor = open_beneath(directory, PurePosixPath(key))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise directory_error(error.errno or errno.EIO) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "not a file", key)
    return os.fdopen(descriptor, "rb")


def read(file: BinaryIO, part: tuple[int, int] | None, piece_bytes: int) -> Iterator[bytes]:
    """Yield the file, or its bytes from the first of `part` to before the second, and close it."""
    start, end = part or (0, os.fstat(file.fileno()).st_size)
    with file:
        try:
            file.seek(start)
            while start < end and (piece := file.read(min(piece_bytes, end - start))):
                start += len(piece)
                yield piece
        except OSError as error:
            raise directory_error(error.errno or errno.EIO) from error


def files_below(directory: Path, prefix: str) -> Iterator[tuple[str, int]]:
    """Yield key and size of files and, under another name, what was written so far of incomplete ones.

    Not of one that is complete or deleted by now. Raises `StoreUnreachable` for a directory that cannot be
    read: obstore would list it, but not what is incomplete there, and to walk twice takes twice as long.
    """
    for parent, _, names in os.walk(directory / prefix, onerror=_raise):
        for name in names:
            path = Path(parent, name)
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield path.relative_to(directory).as_posix(), status.st_size


def sync(directory: Path, key: str) -> None:
    """Write a file and its name to the disk: no row may name what a power cut would take. obstore does not.

    Every directory above it, as another process that has made one may not have done so yet.
    """
    path = directory / key
    for each in (path, *path.parents[: len(Path(key).parts)]):
        try:
            descriptor = os.open(each, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # of a file system that cannot sync directories
                raise directory_error(error.errno or errno.EIO) from error


def unlink(path: Path) -> bool:
    """Delete a file that obstore does not see. Returns whether there was one."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise directory_error(error.errno or errno.EIO) from error
    return True


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):  # it was deleted, or never made
        code = errno.errorcode.get(error.errno or 0, type(error).__name__)
        raise StoreUnreachable(f"a directory of the store cannot be read ({code})") from error
