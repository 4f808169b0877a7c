"""The cut of an earlier run, applied to a LoRA adapter."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel

from pruning.errors import InvalidInput
from pruning.output.like import cut_like
from tests.pruning.structure.like import RANK, cut, lora, report_of, shorter, tensors, without_units

__all__ = ["cut", "shorter"]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("gone", ["units", "blocks", "blocks and units"])
def test_an_adapter_merges_into_the_cut_model_as_into_the_dense_one(
    gone: str, tiny_llama_dir: Path, cut: Path, shorter: Path, tmp_path: Path
) -> None:
    report = report_of(cut if gone == "units" else shorter)
    report = without_units(report) if gone == "blocks" else report
    dense = AutoModelForCausalLM.from_pretrained(tiny_llama_dir)
    parts = lora(tmp_path / "adapter", dense)
    cut_like(report, tmp_path / "adapter", tmp_path / "smaller")
    config = tmp_path / "smaller" / "adapter_config.json"
    assert json.loads(config.read_text())["r"] == RANK
    cut_like(report, tiny_llama_dir, tmp_path / "model")
    smaller = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    found = merged(smaller, tensors(tmp_path / "smaller", "adapter_model.safetensors"))

    # Merge first, then cut: the dense model with the adapter's products, cut in the same way.
    dense.load_state_dict(merged(dense, parts))
    shutil.copytree(tiny_llama_dir, tmp_path / "merged")
    dense.save_pretrained(tmp_path / "merged")
    cut_like(report, tmp_path / "merged", tmp_path / "expected")
    expected = AutoModelForCausalLM.from_pretrained(tmp_path / "expected").state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, expected[name])
    changed = [name for name, tensor in found.items() if not torch.equal(tensor, smaller.state_dict()[name])]
    assert len(changed) == (3 if gone == "units" else 2) * 7  # of each block that is left


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"layers_to_transform": [0, 2]}, "names single blocks"),
        ({"rank_pattern": {"model.layers.1.mlp.up_proj": 4}}, "names single blocks"),
        ({"target_modules": r".*\\.layers\\.2\\..*"}, "names single blocks"),
    ],
)
def test_an_adapter_whose_config_names_blocks_is_refused_where_some_are_gone(
    settings: dict[str, object], reason: str, tiny_llama_dir: Path, shorter: Path, tmp_path: Path
) -> None:
    lora(tmp_path / "adapter", AutoModelForCausalLM.from_pretrained(tiny_llama_dir))
    config = {"peft_type": "LORA", "r": RANK, "target_modules": ["fc1", "dense_4h_to_h"], **settings}
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(InvalidInput, match=reason) as error:
        cut_like(report_of(shorter), tmp_path / "adapter", tmp_path / "out")
    assert error.value.field == "model.id"


def merged(model: PreTrainedModel, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    """The model's matrices with the adapter's products added."""
    return {
        name: weight
        + parts[f"base_model.model.{name.removesuffix('.weight')}.lora_B.weight"]
        @ parts[f"base_model.model.{name.removesuffix('.weight')}.lora_A.weight"]
        if f"base_model.model.{name.removesuffix('.weight')}.lora_A.weight" in parts
        else weight
        for name, weight in model.state_dict().items()
    }


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mlp.gate_up_proj.lora_B.weight", (128, RANK)),
        ("self_attn.qkv_proj.lora_B.weight", (64, RANK)),
        ("mlp.up_proj.lora_magnitude_vector", (64,)),
        ("mlp.wide.lora_A.weight", (RANK, 64)),
    ],
)
def test_an_adapter_with_a_tensor_of_an_unknown_layer_is_refused(
    cut: Path, tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    source = tmp_path / "adapter"
    source.mkdir()
    full = f"base_model.model.model.layers.1.{name}"
    save_file({full: torch.zeros(shape)}, source / "adapter_model.safetensors", {"format": "pt"})
    (source / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": RANK}))
    with pytest.raises(InvalidInput, match=f"{full} of the adapter holds; merge") as error:
        cut_like(report_of(cut), source, tmp_path / "out")
    assert error.value.field == "model.id"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "usual"), [("self_attn.out_proj", "self_attn.o_proj"), ("mlp.c_proj", "mlp.down_proj")]
)
def test_layers_that_read_units_are_cut_by_any_of_their_names(
    tiny_llama_dir: Path, cut: Path, tmp_path: Path, name: str, usual: str
) -> None:
    parts = lora(tmp_path / "adapter", AutoModelForCausalLM.from_pretrained(tiny_llama_dir))
    own, renamed = (f"base_model.model.model.layers.1.{layer}.lora_A.weight" for layer in (usual, name))
    path = tmp_path / "adapter" / "adapter_model.safetensors"
    save_file({own: parts[own], renamed: parts[own].clone()}, path, {"format": "pt"})
    cut_like(report_of(cut), tmp_path / "adapter", tmp_path / "smaller")
    found = tensors(tmp_path / "smaller", "adapter_model.safetensors")
    assert found[own].shape[1] < parts[own].shape[1]
    assert torch.equal(found[renamed], found[own])


@pytest.mark.threat
def test_no_link_in_an_adapter_is_followed(cut: Path, tiny_llama_dir: Path, tmp_path: Path) -> None:
    lora(tmp_path / "adapter", AutoModelForCausalLM.from_pretrained(tiny_llama_dir))
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "adapter" / "notes.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInput, match=r"'notes\.txt' in the adapter is a link") as error:
        cut_like(report_of(cut), tmp_path / "adapter", tmp_path / "out")
    assert error.value.field == "model.id"
    assert not (tmp_path / "out").exists()


UP = "base_model.model.model.layers.0.mlp.up_proj.lora_B.weight"


def described(shape: list[Any], end: int, dtype: str = "F32", name: str = UP) -> bytes:
    """A safetensors file of one tensor, with what its header claims."""
    header = json.dumps({name: {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(8)


@pytest.mark.threat
@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (described([20_000_000, 0], 0), "has no elements"),
        (described([0, 64], 0, name="o_proj.lora_A.weight"), "has no elements"),
        (described([16], 8, "F4"), "of an unknown dtype"),
        (
            described([2], 8, name=UP.replace("up", "down").replace("lora_B", "lora_A")),
            "not a matrix of a LoRA",
        ),
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
def test_a_damaged_adapter_is_named(cut: Path, tmp_path: Path, weights: bytes, says: str) -> None:
    source = tmp_path / "adapter"
    source.mkdir()
    (source / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": RANK}))
    (source / "adapter_model.safetensors").write_bytes(weights)
    with pytest.raises(InvalidInput, match=r"adapter_model\.safetensors is damaged: ") as error:
        cut_like(report_of(cut), source, tmp_path / "out")
    assert says in str(error.value)
    assert error.value.field == "model.id"
    assert not (tmp_path / "out").exists()
    # What is not a safetensors file here is not one to its own library either; some of its are not adapters.
    if not {"elements", "dtype", "LoRA"} & set(says.split()):
        with pytest.raises(SafetensorError):
            load_file(source / "adapter_model.safetensors")


@pytest.mark.threat
def test_an_adapter_with_more_channels_than_the_dense_model_is_refused(cut: Path, tmp_path: Path) -> None:
    source = tmp_path / "adapter"
    source.mkdir()
    save_file({UP: torch.zeros(64 * 1000, 1)}, source / "adapter_model.safetensors", {"format": "pt"})
    (source / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 1}))
    with pytest.raises(InvalidInput, match="has 64000 features, where the report's model has 64"):
        cut_like(report_of(cut), source, tmp_path / "out")


@pytest.mark.threat
@pytest.mark.parametrize("config", ["[]", "null", "{", "[" * 200_000, '"\udcff"'])
def test_an_adapters_config_that_is_none_is_named(cut: Path, tmp_path: Path, config: str) -> None:
    source = tmp_path / "adapter"
    source.mkdir()
    (source / "adapter_config.json").write_bytes(config.encode(errors="surrogateescape"))
    with pytest.raises(
        InvalidInput, match=r"adapter_config\.json (cannot be read as|is not a) JSON"
    ) as error:
        cut_like(report_of(cut), source, tmp_path / "out")
    assert error.value.field == "model.id"
