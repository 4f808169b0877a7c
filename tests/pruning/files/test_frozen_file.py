"""A file that is written to after it was frozen, by a mapping that was there before."""

import errno
import hashlib
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

import pytest

from pruning.errors import InvalidInput
from pruning.files import frozen_file
from pruning.files.frozen_file import FrozenFile, freeze

pytestmark = pytest.mark.threat

_TICK_SECONDS = 0.02  # the clock of a file's times may stand still for a few milliseconds


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """Map a file for writing, with its first page dirty: later writes to it make no fault by themselves."""
    path.write_bytes(b"honest" * 1000)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as pages:
        pages[0:1] = b"h"
        time.sleep(_TICK_SECONDS)
        yield pages


def notes_mapped_writes(path: Path) -> bool:
    """Whether the file system notes a write to a page that was clean, which tmpfs does not."""
    with mapped(path) as pages:
        pages.flush()
        before = path.stat().st_ctime_ns
        time.sleep(_TICK_SECONDS)
        pages[0:1] = b"h"
        return path.stat().st_ctime_ns != before


def test_a_write_through_an_older_mapping_is_noted(tmp_path: Path) -> None:
    if not notes_mapped_writes(tmp_path / "control"):
        pytest.skip(
            "this file system notes no writes through a mapping; docs/security.md says what that means"
        )
    with mapped(tmp_path / "file") as pages:
        frozen = FrozenFile.freeze(tmp_path, PurePath("file"), name="file", field="model.id")
        time.sleep(_TICK_SECONDS)
        frozen.check()
        pages[0:6] = b"forged"
        pages[0:6] = b"honest"
        with pytest.raises(InvalidInput, match=r"^file was changed"):
            frozen.check()


def test_reading_and_looking_are_no_changes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"honest")
    frozen = FrozenFile.freeze(tmp_path, PurePath("file"), name="file", field="model.id").hashed()
    os.utime(tmp_path, (0, 0))
    assert (tmp_path / "file").read_bytes() == b"honest"
    (tmp_path / "file.other").write_bytes(b"next to it")
    frozen.check()
    assert frozen.digest() == frozen.sha256 == hashlib.sha256(b"honest").hexdigest()


MACHINE_ERRNOS = [errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT]


@pytest.mark.parametrize("number", MACHINE_ERRNOS)
def test_a_failure_of_the_machine_is_neither_a_missing_file_nor_a_changed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "file").write_bytes(b"honest")
    frozen = freeze(tmp_path / "file", (tmp_path,), field="model.id")

    def fail(root: Path, path: PurePath) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(frozen_file, "open_beneath", fail)
    with pytest.raises(OSError, match=os.strerror(number)):
        freeze(tmp_path / "file", (tmp_path,), field="model.id")
    with pytest.raises(OSError, match=os.strerror(number)):
        frozen.check()


@pytest.mark.parametrize("number", MACHINE_ERRNOS)
def test_a_mount_that_fails_while_a_file_is_open_is_no_fault_of_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "file").write_bytes(b"honest")
    frozen = freeze(tmp_path / "file", (tmp_path,), field="model.id")

    def fail(descriptor: int) -> os.stat_result:
        raise OSError(number, os.strerror(number))

    def parse() -> None:
        with frozen.opened():
            monkeypatch.setattr(frozen_file._Inode, "of", fail)
            raise InvalidInput("file cannot be read")  # whose cause names no number, or came from a helper

    for read in (parse, frozen.check):
        with pytest.raises(OSError, match=os.strerror(number)):
            read()


def test_a_process_without_descriptors_does_not_call_a_file_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()

    def fail(root: Path, path: PurePath) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(frozen_file, "open_beneath", fail)
    with pytest.raises(OSError, match="Too many open files"):
        freeze(tmp_path / "file", (tmp_path,), field="model.id")
