"""Files whose tensors are written in place."""

import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pruning.output.safetensors_file import SafetensorsFile
from tests.small_disk import mounted


def test_a_disk_that_is_too_small_raises_before_a_tensor_is_mapped(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk, pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        SafetensorsFile.create(disk / "model.safetensors", {"one": 1 << 20, "two": 1 << 20}, {})


def test_a_file_system_that_cannot_reserve_room_is_written_all_the_same(tmp_path: Path) -> None:
    """The C library then reads a byte of each page that it does not write, such as those of a long header."""
    tensors = {f"tensor {number}": torch.full((8,), number) for number in range(200)}
    save_file(tensors, tmp_path / "dense.safetensors")
    dense = SafetensorsFile.open(tmp_path / "dense.safetensors")
    with mounted(tmp_path / "disk", "mode=700", kind="ramfs") as disk:
        copy = dense.create_smaller(disk / "model.safetensors", {}, lambda name: name)
        copy.copy_tensors(dense, {name: name for name in dense.names})
        found = load_file(copy.path)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
