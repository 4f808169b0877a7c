"""The cut of an earlier run, applied to another checkpoint of the family and to a LoRA adapter."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, LlamaForCausalLM, PreTrainedModel

from pruning.__main__ import main
from pruning.errors import InvalidInput
from pruning.output.like import cut_like
from pruning.recipe import Evaluation, Recipe
from pruning.report import Report
from tests.pruning.families import make
from tests.pruning.runs import run_recipe

pytestmark = pytest.mark.slow

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=2)
STRUCTURE = {"mlp_channels": 0.25, "kv_groups": 1}
CALIBRATION = {"dataset": "builtin", "samples": 2, "sequence_length": 24}
REPAIRED = ("self_attn.o_proj.weight", "mlp.down_proj.weight")
RANK = 3


@pytest.fixture(name="cut", scope="module")
def a_cut(tiny_llama_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("like") / "cut"
    recipe = {"model": str(tiny_llama_dir), "structure": STRUCTURE, "calibration": CALIBRATION}
    run_recipe(Recipe.model_validate(recipe), EVALUATION, output=output)
    return output


def report_of(directory: Path) -> Report:
    return Report.model_validate_json((directory / "pruning_report.json").read_text())


def tensors(directory: Path, name: str = "model.safetensors") -> dict[str, Tensor]:
    return load_file(directory / name)


def assert_like_before_the_repair(again: Path, cut: Path, dense: Path) -> None:
    """The same files; of the layers that a run repairs, some columns of the dense ones, in their order."""
    for name in ("config.json", "tokenizer.json"):
        assert (again / name).read_bytes() == (cut / name).read_bytes()
    found, expected, whole = tensors(again), tensors(cut), tensors(dense)
    assert found.keys() == expected.keys()
    columns = {
        tuple(column.tolist()) for name in whole if name.endswith(REPAIRED) for column in whole[name].T
    }
    for name, value in found.items():
        if name.endswith(REPAIRED):
            assert value.shape == expected[name].shape
            assert {tuple(column.tolist()) for column in value.T} <= columns
        else:
            assert torch.equal(value, expected[name]), name


def test_the_same_checkpoint_gives_the_same_units(tiny_llama_dir: Path, cut: Path, tmp_path: Path) -> None:
    cut_like(report_of(cut), tiny_llama_dir, tmp_path / "again")
    assert_like_before_the_repair(tmp_path / "again", cut, tiny_llama_dir)


@pytest.fixture(name="shorter", scope="module")
def fewer_blocks_and_channels(tiny_llama_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("like") / "shorter"
    structure = {**STRUCTURE, "blocks": 1}
    recipe = {"model": str(tiny_llama_dir), "structure": structure, "calibration": CALIBRATION}
    run_recipe(Recipe.model_validate(recipe), EVALUATION, output=output)
    return output


def test_the_same_blocks_go_from_the_same_checkpoint(
    tiny_llama_dir: Path, shorter: Path, tmp_path: Path
) -> None:
    cut_like(report_of(shorter), tiny_llama_dir, tmp_path / "again")
    assert_like_before_the_repair(tmp_path / "again", shorter, tiny_llama_dir)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again"]


def without_units(report: Report) -> Report:
    """The report of a run that took out the same blocks, and nothing else."""
    assert report.structure is not None
    alone = report.structure.model_copy(update={"units": (), "blocks": ()})
    return report.model_copy(update={"structure": alone})


@pytest.mark.parametrize("alone", [True, False], ids=["blocks", "blocks and units"])
def test_an_adapter_loses_its_tensors_for_the_blocks_that_are_gone(
    alone: bool, tiny_llama_dir: Path, shorter: Path, tmp_path: Path
) -> None:
    report = without_units(report_of(shorter)) if alone else report_of(shorter)
    dense = AutoModelForCausalLM.from_pretrained(tiny_llama_dir)
    parts = lora(tmp_path / "adapter", dense)
    cut_like(report, tmp_path / "adapter", tmp_path / "smaller")
    cut_like(report, tiny_llama_dir, tmp_path / "model")
    smaller = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    found = merged(smaller, tensors(tmp_path / "smaller", "adapter_model.safetensors"))

    dense.load_state_dict(merged(dense, parts))
    shutil.copytree(tiny_llama_dir, tmp_path / "merged")
    dense.save_pretrained(tmp_path / "merged")
    cut_like(report, tmp_path / "merged", tmp_path / "expected")
    expected = AutoModelForCausalLM.from_pretrained(tmp_path / "expected").state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, expected[name])
    changed = [name for name, tensor in found.items() if not torch.equal(tensor, smaller.state_dict()[name])]
    assert len(changed) == 2 * 7


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


def test_a_model_with_another_number_of_blocks_is_refused(
    shorter: Path,
    tmp_path: Path,
    tiny_llama: Callable[..., LlamaForCausalLM],
    save_checkpoint: Callable[[PreTrainedModel, Path], Path],
) -> None:
    deeper = save_checkpoint(tiny_llama(num_hidden_layers=4), tmp_path / "deeper")
    with pytest.raises(InvalidInput, match="with 3 blocks, and this one has 4") as error:
        cut_like(report_of(shorter), deeper, tmp_path / "out")
    assert error.value.field == "like"
    lora(tmp_path / "adapter", tiny_llama(num_hidden_layers=4))
    with pytest.raises(InvalidInput, match="is of block 3, where the report's model has 3 blocks"):
        cut_like(report_of(shorter), tmp_path / "adapter", tmp_path / "out")


@pytest.mark.threat
@pytest.mark.parametrize("adapter", [False, True])
def test_a_report_that_names_countless_blocks_is_refused(
    adapter: bool, shorter: Path, tiny_llama_dir: Path, tmp_path: Path
) -> None:
    values = without_units(report_of(shorter)).model_dump()
    values["structure"]["depth"] |= {"kept": "0-99999999999", "dense": 100_000_000_000 if adapter else 3}
    source = tiny_llama_dir
    if adapter:
        source = tmp_path / "adapter"
        lora(source, AutoModelForCausalLM.from_pretrained(tiny_llama_dir))
    with pytest.raises(InvalidInput, match="the numbers must be below") as error:
        cut_like(Report.model_validate(values), source, tmp_path / "out")
    assert error.value.field == "like"


@pytest.fixture(name="experts", scope="module")
def a_mixture_with_fewer_experts(
    save_checkpoint: Callable[[PreTrainedModel, Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("like-experts")
    dense = save_checkpoint(make("qwen3_moe", num_experts=6), directory / "dense")
    calibration = {"dataset": "builtin", "samples": 2, "sequence_length": 24}
    structure = {"experts": 2, "kv_groups": 1}
    recipe = {"model": str(dense), "structure": structure, "calibration": calibration}
    run_recipe(Recipe.model_validate(recipe), EVALUATION, output=directory / "cut")
    return dense, directory / "cut"


def test_the_same_experts_go_from_the_same_checkpoint(experts: tuple[Path, Path], tmp_path: Path) -> None:
    dense, cut = experts
    report = report_of(cut)
    assert report.structure is not None
    assert {unit.kind: (unit.dense, unit.kept) for unit in report.structure.units} == {
        "kv_groups": (2, 1),
        "experts": (6, 4),
    }
    # The first block has no experts.
    assert [block.block for block in report.structure.blocks if block.kind == "experts"] == [1, 2]
    cut_like(report, dense, tmp_path / "again")
    ours, theirs = tensors(tmp_path / "again"), tensors(cut)
    assert ours.keys() == theirs.keys()
    changed = {name.split(".")[-2] for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])}
    assert changed == {"o_proj"}  # which was repaired in the run, and is not here
    configs = [json.loads((path / "config.json").read_text()) for path in (cut, tmp_path / "again")]
    assert configs[0] == configs[1]


@pytest.mark.parametrize("layer", ["mlp.experts.3.up_proj", "mlp.gate"])
def test_an_adapter_for_experts_is_refused_where_some_are_gone(
    layer: str, experts: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "adapter").mkdir()
    name = f"base_model.model.model.layers.1.{layer}.lora_A.weight"
    path = tmp_path / "adapter" / "adapter_model.safetensors"
    save_file({name: torch.zeros(RANK, 32)}, path, {"format": "pt"})
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": RANK}))
    with pytest.raises(InvalidInput, match=f"{name} of the adapter holds; merge") as error:
        cut_like(report_of(experts[1]), tmp_path / "adapter", tmp_path / "out")
    assert error.value.field == "model.id"


def lora(directory: Path, dense: PreTrainedModel) -> dict[str, Tensor]:
    """Write an adapter of every layer, with the names that peft gives."""
    generator = torch.Generator().manual_seed(0)
    parts = {}
    for name, module in dense.named_modules():
        if "layers" in name and isinstance(module, torch.nn.Linear):
            outputs, inputs = module.weight.shape
            prefix = f"base_model.model.{name}"
            parts[f"{prefix}.lora_A.weight"] = torch.randn(RANK, inputs, generator=generator)
            parts[f"{prefix}.lora_B.weight"] = torch.randn(outputs, RANK, generator=generator)
    directory.mkdir()
    save_file(parts, directory / "adapter_model.safetensors", {"format": "pt"})
    (directory / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": RANK}))
    return parts


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


def test_an_adapter_merges_into_the_cut_model_as_into_the_dense_one(
    tiny_llama_dir: Path, cut: Path, tmp_path: Path
) -> None:
    dense = AutoModelForCausalLM.from_pretrained(tiny_llama_dir)
    parts = lora(tmp_path / "adapter", dense)
    cut_like(report_of(cut), tmp_path / "adapter", tmp_path / "smaller")
    config = tmp_path / "smaller" / "adapter_config.json"
    assert json.loads(config.read_text())["r"] == RANK
    cut_like(report_of(cut), tiny_llama_dir, tmp_path / "model")
    smaller = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    found = merged(smaller, tensors(tmp_path / "smaller", "adapter_model.safetensors"))

    # Merge first, then cut: the dense model with the adapter's products, cut in the same way.
    dense.load_state_dict(merged(dense, parts))
    shutil.copytree(tiny_llama_dir, tmp_path / "merged")
    dense.save_pretrained(tmp_path / "merged")
    cut_like(report_of(cut), tmp_path / "merged", tmp_path / "expected")
    expected = AutoModelForCausalLM.from_pretrained(tmp_path / "expected").state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, expected[name])


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


def test_a_report_that_took_nothing_out_is_refused(tiny_llama_dir: Path, cut: Path, tmp_path: Path) -> None:
    report = report_of(cut)
    assert report.structure is not None
    with pytest.raises(InvalidInput, match="took nothing out") as error:
        cut_like(without_units(report), tiny_llama_dir, tmp_path / "out")
    assert error.value.field == "like"


def test_a_model_of_other_widths_is_refused(
    cut: Path,
    tmp_path: Path,
    tiny_llama: Callable[..., LlamaForCausalLM],
    save_checkpoint: Callable[[PreTrainedModel, Path], Path],
) -> None:
    wider = save_checkpoint(tiny_llama(intermediate_size=96), tmp_path / "wider")
    with pytest.raises(InvalidInput, match=r"64 mlp_channels .* 96") as error:
        cut_like(report_of(cut), wider, tmp_path / "out")
    assert error.value.field == "like"
    assert not (tmp_path / "out").exists()


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
        (described([2], 8, name=UP.replace("up", "down").replace("lora_B", "lora_A")), "no matrix of a LoRA"),
        (described([64], 0), "do not fit"),
        (described([2**62, 2**62], 8), "do not fit"),
        (described([64, 3], 8), "do not fit"),
        (described([-1, -2], 8), "do not fit"),
        (described([1, 1.5], 8), "do not fit"),
        (described([1, 4], 16), "do not fit"),
        ((2**62).to_bytes(8, "little") + b"{}", "its header cannot have 4611686018427387904 bytes"),
        ((3).to_bytes(8, "little") + b"{}", "its header cannot have 3 bytes"),
        (b"", "its header cannot have 0 bytes"),
        ((2).to_bytes(8, "little") + b"[]", "its header is no JSON object"),
        ((21).to_bytes(8, "little") + b'{"__metadata__": [1]}', "no metadata of that kind"),
        ((2).to_bytes(8, "little") + b"{a", "its header is no JSON"),
        ((200_000).to_bytes(8, "little") + b"[" * 200_000, "its header is no JSON"),
        ((8).to_bytes(8, "little") + b'{"a": 1}', "of a do not fit"),
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
    # What is no safetensors file here is none to its own library either; some of its files are no adapters.
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


@pytest.mark.threat
@pytest.mark.parametrize("adapter", [False, True])
@pytest.mark.parametrize("also_dense", [False, True])
def test_a_report_that_names_countless_units_is_refused(
    cut: Path, tiny_llama_dir: Path, tmp_path: Path, adapter: bool, also_dense: bool
) -> None:
    values = report_of(cut).model_dump()
    for block in values["structure"]["blocks"]:
        block["kept"] = "0-99999999999"
    for unit in values["structure"]["units"]:
        unit["dense"] = 100_000_000_000 if also_dense else unit["dense"]
    source = tiny_llama_dir
    if adapter:
        source = tmp_path / "adapter"
        lora(source, AutoModelForCausalLM.from_pretrained(tiny_llama_dir))
    with pytest.raises(InvalidInput) as error:
        cut_like(Report.model_validate(values), source, tmp_path / "out")
    assert error.value.field == "like"


@pytest.mark.parametrize("left", [64, 65, -2_000_000])
def test_a_report_of_no_cut_is_refused(cut: Path, tiny_llama_dir: Path, tmp_path: Path, left: int) -> None:
    values = report_of(cut).model_dump()
    for unit in values["structure"]["units"]:
        if unit["kind"] == "mlp_channels":
            assert unit["dense"] == 64
            unit["kept"] = left
    with pytest.raises(InvalidInput, match=f"takes {64 - left} mlp_channels out of each block") as error:
        cut_like(Report.model_validate(values), tiny_llama_dir, tmp_path / "out")
    assert error.value.field == "like"
    assert not (tmp_path / "out").exists()


def test_the_command_applies_a_report(tiny_llama_dir: Path, cut: Path, tmp_path: Path) -> None:
    arguments = ["--model", str(tiny_llama_dir), "--output", str(tmp_path / "again")]
    assert main([*arguments, "--like", str(cut / "pruning_report.json")]) == 0
    assert_like_before_the_repair(tmp_path / "again", cut, tiny_llama_dir)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    missing = ["--model", str(tiny_llama_dir), "--output", str(tmp_path / "other")]
    for name in ("no.json", "binary.json"):
        assert main([*missing, "--like", str(tmp_path / name)]) == 2
