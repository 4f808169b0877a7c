"""Files whose tensors are written in place."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pruning.errors import InvalidInput
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


def described(shape: list[Any], end: int) -> bytes:
    """A safetensors file of one tensor, with what its header claims."""
    header = json.dumps({"weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(8)


@pytest.mark.threat
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (described([64], 0), "do not fit"),
        (described([2**62, 2**62], 8), "do not fit"),
        (described([64, 3], 8), "do not fit"),
        (described([-1, -2], 8), "do not fit"),
        (described([1, 1.5], 8), "do not fit"),
        (described([1, 4], 16), "do not fit"),
        ((2**62).to_bytes(8, "little") + b"{}", "its header cannot have 4611686018427387904 bytes"),
        ((3).to_bytes(8, "little") + b"{}", "its header cannot have 3 bytes"),
        (b"", "its header cannot have 0 bytes"),
        ((2).to_bytes(8, "little") + b"[]", "its header is not a JSON object"),
        ((21).to_bytes(8, "little") + b'{"__metadata__": [1]}', "no metadata of that kind"),
        ((2).to_bytes(8, "little") + b"{a", "its header is not JSON"),
        ((200_000).to_bytes(8, "little") + b"[" * 200_000, "its header is not JSON"),
        ((8).to_bytes(8, "little") + b'{"a": 1}', "of 'a' do not fit"),
    ],
)
def test_a_damaged_header_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"^model\.safetensors is damaged: ") as error:
        SafetensorsFile.open(path)
    assert says in str(error.value)
    assert error.value.field == "model.id"
    with pytest.raises(SafetensorError):  # nor is it a safetensors file to its own library
        load_file(path)
