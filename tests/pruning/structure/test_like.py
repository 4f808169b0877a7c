"""The cut of an earlier run, applied to another checkpoint of the family."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from pruning.__main__ import main
from pruning.errors import InvalidInput
from pruning.output.like import cut_like
from pruning.report import Report
from tests.pruning.families import make
from tests.pruning.structure.like import RANK, cut, lora, report_of, run_of, shorter, tensors, without_units
from tests.pruning.tiny import save_checkpoint, tiny_llama

__all__ = ["cut", "shorter"]

pytestmark = pytest.mark.slow

REPAIRED = ("self_attn.o_proj.weight", "mlp.down_proj.weight")


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


def test_the_same_blocks_go_from_the_same_checkpoint(
    tiny_llama_dir: Path, shorter: Path, tmp_path: Path
) -> None:
    cut_like(report_of(shorter), tiny_llama_dir, tmp_path / "again")
    assert_like_before_the_repair(tmp_path / "again", shorter, tiny_llama_dir)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again"]


def test_a_model_with_another_number_of_blocks_is_refused(shorter: Path, tmp_path: Path) -> None:
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
def a_mixture_with_fewer_experts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("like-experts")
    dense = save_checkpoint(make("qwen3_moe", num_experts=6), directory / "dense")
    return dense, run_of(dense, {"experts": 2, "kv_heads": 1}, directory / "cut")


def test_the_same_experts_go_from_the_same_checkpoint(experts: tuple[Path, Path], tmp_path: Path) -> None:
    dense, cut = experts
    report = report_of(cut)
    assert report.structure is not None
    assert {unit.kind: (unit.dense, unit.kept) for unit in report.structure.units} == {
        "kv_heads": (2, 1),
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


def test_a_report_that_took_nothing_out_is_refused(tiny_llama_dir: Path, cut: Path, tmp_path: Path) -> None:
    report = report_of(cut)
    assert report.structure is not None
    with pytest.raises(InvalidInput, match="took nothing out") as error:
        cut_like(without_units(report), tiny_llama_dir, tmp_path / "out")
    assert error.value.field == "like"


def test_a_model_of_other_widths_is_refused(cut: Path, tmp_path: Path) -> None:
    wider = save_checkpoint(tiny_llama(intermediate_size=96), tmp_path / "wider")
    with pytest.raises(InvalidInput, match=r"64 mlp_channels .* 96") as error:
        cut_like(report_of(cut), wider, tmp_path / "out")
    assert error.value.field == "like"
    assert not (tmp_path / "out").exists()


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
