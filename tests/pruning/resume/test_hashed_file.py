"""Files that are hashed while they are written, against the safetensors library and hashlib."""

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pruning.resume import hashed_file
from pruning.resume.hashed_file import HashedFile, save_tensors

TENSORS: dict[str, dict[str, Tensor]] = {
    "one dtype": {"l2/b": torch.rand(3, 5), "l1/ä": torch.rand(7), "l1/a": torch.rand(2, 2, 2)},
    "several dtypes": {
        "mask": torch.arange(11, dtype=torch.uint8),
        "weight": torch.rand(3, 3).to(torch.bfloat16),
        "half": torch.rand(3).to(torch.float16),
        "wide": torch.rand(2, 3, dtype=torch.float64),
        "ids": torch.arange(4),
    },
    "transposed and empty": {
        "turned": torch.rand(4, 3).T,
        "none": torch.empty(0, 4),
        "scalar": torch.ones(()),
    },
    "nothing": {},
}


@pytest.mark.parametrize("piece", [1 << 22, 16], ids=["whole", "in pieces"])
@pytest.mark.parametrize("name", TENSORS)
def test_a_file_is_as_its_library_writes_it(
    name: str, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashed_file, "_PIECE_BYTES", piece)
    tensors = TENSORS[name]
    written = save_tensors(tensors, tmp_path / "own", {"block": '"3"'})
    save_file(
        {key: tensor.contiguous() for key, tensor in tensors.items()}, tmp_path / "theirs", {"block": '"3"'}
    )
    found, expected = load_file(tmp_path / "own"), load_file(tmp_path / "theirs")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert all(found[key].dtype == expected[key].dtype for key in expected)
    if name != "several dtypes":  # among those of one size, the library has an order of its own
        assert (tmp_path / "own").read_bytes() == (tmp_path / "theirs").read_bytes()
    assert written == HashedFile(
        tmp_path / "own", hashlib.sha256((tmp_path / "own").read_bytes()).hexdigest()
    )
