"""Files whose tensors are written in place."""

import errno
import os
from pathlib import Path

import pytest

from pruning.output.safetensors_file import SafetensorsFile
from tests.small_disk import mounted


def test_a_disk_that_is_too_small_raises_before_a_tensor_is_mapped(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk, pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        SafetensorsFile.create(disk / "model.safetensors", {"one": 1 << 20, "two": 1 << 20}, {})
