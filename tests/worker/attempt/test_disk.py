"""A full disk, real and simulated, is recognised whichever library reports it, and reported with numbers."""

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import SafetensorError

from pruning.byte_size import byte_size
from worker.attempt.resources import DISK_FULL, Disk, DiskFull, first_of


def test_the_disk_is_checked_at_most_once_a_second(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    now = 0.0
    disk = Disk(tmp_path, free // 2, clock=lambda: now)
    disk.check()
    too_small = Disk(tmp_path, 2 * free, clock=lambda: now)
    for _ in range(2):
        with pytest.raises(
            DiskFull, match=rf"[0-9]+ .B free, and {re.escape(byte_size(2 * free))} must stay free"
        ):
            too_small.check()
        too_small.check()  # within the same second
        now += 2


def write_to_a_full_device() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"bytes")


def write_and_wrap() -> None:
    try:
        write_to_a_full_device()
    except OSError as error:
        raise RuntimeError("writing failed") from error


def fail_as_safetensors_does() -> None:
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    "fail", [write_to_a_full_device, write_and_wrap, fail_as_safetensors_does], ids=lambda f: f.__name__
)
def test_a_full_disk_is_recognised(fail: Callable[[], None]) -> None:
    with pytest.raises(Exception) as failed:  # noqa: PT011 - of whatever library
        fail()
    assert first_of(failed.value, DISK_FULL)


def test_other_errors_are_not_mistaken_for_a_full_disk() -> None:
    of_the_hub = "/cache/os error 28"  # a file may have such a name
    for error in (
        OSError(errno.EACCES, os.strerror(errno.EACCES)),
        OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), of_the_hub),
        RuntimeError("os error 280"),
    ):
        assert not first_of(error, DISK_FULL)
