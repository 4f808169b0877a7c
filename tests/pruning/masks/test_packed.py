"""Masks as bits and as files; `set_to_zero` zeroes the masked weights, and changes no other bit."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from pruning.masks.packed import packed, set_to_zero, unpacked
from pruning.output.in_place import MaskFile
from tests.pruning.pretended_cuda import CUDA, pretended_cuda
from tests.pruning.runs import read_masks

MASKS = {
    "b.weight": torch.arange(15).view(3, 5) % 3 == 0,
    "a.weight": torch.tensor([[True, False], [False, True]]),
    "experts": torch.arange(96).view(2, 3, 16) % 5 < 2,
}
SHAPES = {name: tuple(mask.shape) for name, mask in MASKS.items()}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("transposed", [False, True])
def test_masked_weights_are_zero_and_others_keep_their_bits(dtype: torch.dtype, transposed: bool) -> None:
    stored = torch.randn(40, 24).to(dtype)
    stored[0, :6] = torch.tensor([torch.nan, torch.inf, -torch.inf, -0.0, 0.0, -1.0])
    stored[1] = stored[0]
    stored[0, 6:] = 1
    weights = stored.T if transposed else stored
    mask = torch.rand(weights.shape) < 0.5
    (mask.T if transposed else mask)[:2] = torch.tensor([[True], [False]])
    before = weights.clone()
    expected = weights.clone().masked_fill_(mask, 0)
    set_to_zero(weights, mask)
    integers = {2: torch.int16, 4: torch.int32, 8: torch.int64}[dtype.itemsize]
    assert torch.equal(weights.contiguous().view(integers), expected.contiguous().view(integers))
    assert torch.equal(before[~mask].view(integers), weights[~mask].view(integers))
    assert not torch.signbit(weights[mask]).any()


def test_the_first_weight_is_the_highest_bit_and_padding_is_zero() -> None:
    mask = torch.tensor([[True, False, False, False, False], [False, True, True, True, True]])
    assert packed(mask).tolist() == [0b10000011, 0b11000000]
    assert packed(mask).dtype == torch.uint8


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_a_packed_mask_is_unpacked_as_it_was(mask: torch.Tensor) -> None:
    restored = unpacked(packed(mask), mask.shape)
    assert restored.dtype == torch.bool
    assert torch.equal(restored, mask)


@pytest.mark.parametrize("mask", [*MASKS.values(), *(torch.ones(size) > 0 for size in range(1, 18))])
def test_a_gpu_packs_as_a_cpu_does(mask: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = packed(mask)
    with pretended_cuda(monkeypatch):
        found = packed(mask.to(CUDA))
        assert found.device == CUDA
        assert found.dtype == torch.uint8
        assert torch.equal(found.cpu(), expected)


def test_masks_are_read_as_they_were_written_in_whatever_order(tmp_path: Path) -> None:
    path = tmp_path / "masks.safetensors"
    file = MaskFile(path, SHAPES)
    file.write({"experts": MASKS["experts"]})
    file.write({"a.weight": MASKS["a.weight"], "b.weight": MASKS["b.weight"]})
    masks = read_masks(path)
    assert masks.keys() == MASKS.keys()
    assert all(torch.equal(masks[name], MASKS[name]) for name in MASKS)


def test_a_mask_file_is_a_safetensors_file_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "masks.safetensors"
    MaskFile(path, SHAPES).write(MASKS)
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["shapes"]) == {name: list(shape) for name, shape in SHAPES.items()}
        assert {name: file.get_tensor(name).shape for name in file.keys()} == {  # noqa: SIM118 - no mapping
            "a.weight": (1,),
            "b.weight": (2,),
            "experts": (12,),
        }


@pytest.mark.parametrize("letters", range(1, 9))
def test_the_data_of_a_mask_file_begin_at_a_multiple_of_eight_bytes(letters: int, tmp_path: Path) -> None:
    path = tmp_path / "masks.safetensors"
    MaskFile(path, {"n" * letters: (3, 5)})
    length = int.from_bytes(path.read_bytes()[:8], "little")
    assert length % 8 == 0
    assert path.stat().st_size == 8 + length + 2


def test_masks_that_are_not_written_yet_are_empty_and_the_file_has_its_size(tmp_path: Path) -> None:
    path = tmp_path / "masks.safetensors"
    MaskFile(path, SHAPES)
    size = path.stat().st_size
    assert not any(mask.any() for mask in read_masks(path).values())
    MaskFile(path, SHAPES).write(MASKS)
    assert path.stat().st_size == size
