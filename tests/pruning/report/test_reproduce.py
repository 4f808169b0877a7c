"""Runs reproduced from a report."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from pruning.__main__ import main
from pruning.errors import InvalidInput
from pruning.pipeline.reproduce import RecipeFile, differences
from pruning.report import Environment, Report

pytestmark = pytest.mark.slow


def first_run(model: Path, output: Path, *more: str) -> Path:
    """The report of a run with settings that are not the defaults."""
    arguments = [
        *("--model", str(model), "--method", "gblm", "--option", "norm=l2"),
        *("--sparsity", "0.4", "--seed", "7"),
        *("--mix", "builtin=2", "--mix", f"{output.parent / 'text.txt'}=1"),
        *("--samples", "3", "--sequence-length", "32", "--evaluation-length", "32"),
        *("--evaluation", "builtin", "--evaluation-windows", "3", "--output", str(output), *more),
    ]
    (output.parent / "text.txt").write_text("The suite of the for statement. " * 100)
    assert main(arguments) == 0
    return output / "pruning_report.json"


def again(report: Path, output: Path, *more: str) -> int:
    return main(["--recipe", str(report), "--output", str(output), *more])


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_reproduced_from_its_report_gives_the_same_bytes(
    tiny_llama_dir: Path, tmp_path: Path, threads: int
) -> None:
    torch.set_num_threads(threads)
    report = first_run(tiny_llama_dir, tmp_path / "a")
    torch.set_num_threads(1)
    assert again(report, tmp_path / "b", "--save-masks") == 0
    assert torch.get_num_threads() == threads
    torch.set_num_threads(1)
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "b" / "masks.safetensors").exists()
    before, after = (
        Report.model_validate_json((tmp_path / name / "pruning_report.json").read_text()) for name in "ab"
    )
    assert before.model_dump(exclude={"stages"}) == after.model_dump(exclude={"stages"})
    assert after.warnings == ()


def test_a_recipe_file_takes_the_evaluation_from_the_options(tiny_llama_dir: Path, tmp_path: Path) -> None:
    report = json.loads(first_run(tiny_llama_dir, tmp_path / "a").read_text())
    (tmp_path / "recipe.json").write_text(json.dumps(report["recipe"]))
    evaluation = ["--evaluation", "builtin", "--evaluation-length", "16", "--evaluation-windows", "2"]
    assert again(tmp_path / "recipe.json", tmp_path / "b", *evaluation) == 0
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    repeated = json.loads((tmp_path / "b" / "pruning_report.json").read_text())
    assert repeated["perplexity"]["sequence_length"] == 16


def test_a_model_or_text_that_has_changed_is_refused(
    tiny_llama_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(tiny_llama_dir, tmp_path / "model")
    report = first_run(model, tmp_path / "a")
    (tmp_path / "text.txt").write_text("Another suite of the for statement. " * 100)
    assert again(report, tmp_path / "b") == 2
    assert "calibration: the calibration windows have the fingerprint" in capfd.readouterr().err
    weights = bytearray((model / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (model / "model.safetensors").write_bytes(weights)
    assert again(report, tmp_path / "b") == 2
    assert "model.id: the model is sha256:" in capfd.readouterr().err
    assert not (tmp_path / "b").exists()


def test_a_hub_model_is_reproduced_at_its_commit(tiny_llama_dir: Path, tmp_path: Path) -> None:
    path = first_run(tiny_llama_dir, tmp_path / "a")
    report = json.loads(path.read_text())
    report["recipe"]["model"] = {"id": "org/name", "revision": "main"}
    report["model"] |= {"id": "org/name", "commit": "1" * 40, "digest": None}
    path.write_text(json.dumps(report))
    assert RecipeFile.read(path).recipe.model.revision == "1" * 40


@pytest.mark.parametrize("content", ["", "[1]", "7", "{", "\x00"])
def test_a_file_that_is_not_a_recipe_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InvalidInput, match="not a readable JSON object") as caught:
        RecipeFile.read(tmp_path / "a.json")
    assert caught.value.field == "recipe"
    with pytest.raises(InvalidInput):
        RecipeFile.read(tmp_path / "none.json")


def test_options_that_contradict_a_recipe_file_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        again(tmp_path / "a.json", tmp_path / "out", "--samples", "3", "--seed", "1")
    assert caught.value.code == 2
    assert "leave out --samples, --seed" in capfd.readouterr().err


def environment(**fields: Any) -> Environment:
    versions = {"python": "3", "torch": "2.13", "transformers": "5", "pruneserve": "1"}
    computing = {"device": "cpu", "dtype": "float32", "threads": 1, "attention": "sdpa"}
    return Environment.model_validate({**versions, **computing, **fields})


@pytest.mark.parametrize(
    ("described", "named"),
    [
        ("cpu", "cpu"),
        ("cuda:1 (NVIDIA H100 80GB HBM3)", "cuda:1"),
        ("cuda:0 (NVIDIA H100 80GB HBM3), cuda:2 (A card, of cuda:9)", "cuda:0,cuda:2"),
    ],
)
def test_a_run_is_reproduced_on_the_devices_that_its_report_names(described: str, named: str) -> None:
    assert environment(device=described).device_names == named


def test_a_different_environment_is_a_warning() -> None:
    assert differences(environment(), environment()) == ()
    (warning,) = differences(environment(), environment(torch="2.14", threads=4))
    assert "torch 2.14 and not 2.13, threads 4 and not 1" in warning
