"""A disk without room, real and pretended: it is told with numbers, whichever library has met it."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import SafetensorError

from worker.attempt.disk import Disk, DiskFull, is_disk_full


def test_a_disk_is_looked_at_again_and_again(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    now = 0.0
    disk = Disk(tmp_path / "work", free // 2, clock=lambda: now)
    disk.check()
    hungry = Disk(tmp_path / "work", 2 * free, clock=lambda: now)
    for _ in range(2):
        with pytest.raises(DiskFull, match=rf"[0-9]+ bytes free, and {2 * free} must stay free"):
            hungry.check()
        hungry.check()  # not so soon again
        now += 2


def write_where_there_is_no_room() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"bytes")


def write_and_wrap() -> None:
    try:
        write_where_there_is_no_room()
    except OSError as error:
        raise RuntimeError("writing failed") from error


def fail_as_safetensors_does() -> None:
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    "fail", [write_where_there_is_no_room, write_and_wrap, fail_as_safetensors_does], ids=lambda f: f.__name__
)
def test_no_room_is_recognised(fail: Callable[[], None]) -> None:
    with pytest.raises(Exception) as failed:  # noqa: PT011 - of whatever library
        fail()
    assert is_disk_full(failed.value)


def test_other_troubles_are_not_taken_for_it() -> None:
    for error in (OSError(errno.EACCES, os.strerror(errno.EACCES)), RuntimeError("os error 280")):
        assert not is_disk_full(error)
