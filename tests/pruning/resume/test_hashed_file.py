"""Files that are hashed while they are written, against the safetensors library and hashlib."""

import hashlib
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from pruning.resume import hashed_file
from pruning.resume.hashed_file import HashedFile, RowsFile, save_tensors

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
    monkeypatch.setattr(hashed_file, "_CHUNK_BYTES", piece)
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


def test_tensors_are_written_over_the_file_that_they_are_mapped_from(tmp_path: Path) -> None:
    path, whole = tmp_path / "shard", torch.rand(300, 400)
    save_file({"l1/a": whole, "l1/b": whole.T.contiguous()}, path)
    child = os.fork()
    if child == 0:  # a copy of this process: reading a mapped file that was cut off kills it (SIGBUS)
        code = 1
        try:
            with safe_open(path, framework="pt") as shard:
                mapped = {name: shard.get_tensor(name) for name in ("l1/a", "l1/b")}
            save_tensors(mapped, path)
            code = 0
        finally:
            os._exit(code)  # never the tests that are left
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    found = load_file(path)
    assert torch.equal(found["l1/a"], whole)
    assert torch.equal(found["l1/b"], whole.T)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_rows_that_come_in_pieces_make_the_file_of_the_whole(dtype: torch.dtype, tmp_path: Path) -> None:
    whole = torch.rand(10, 3, dtype=torch.float64).to(dtype)
    file = RowsFile(tmp_path / "rows", "states", whole[:2], 10)
    for piece in whole.split((2, 0, 5, 3)):
        file.append(piece)
    written = file.close()
    save_file({"states": whole}, tmp_path / "theirs")
    assert written is not None
    assert written.sha256 == HashedFile.of(tmp_path / "rows").sha256
    assert torch.equal(load_file(tmp_path / "rows")["states"], load_file(tmp_path / "theirs")["states"])


def test_a_file_that_lacks_rows_is_deleted(tmp_path: Path) -> None:
    file = RowsFile(tmp_path / "rows", "states", torch.rand(2, 3), 10)
    file.append(torch.rand(9, 3))
    assert file.close() is None
    assert list(tmp_path.iterdir()) == []
