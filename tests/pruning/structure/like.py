"""Cuts of small models, and adapters of every layer, for tests of a cut that is repeated."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from pruning.recipe import Evaluation, Recipe
from pruning.report import Report
from tests.pruning.runs import run_recipe

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=2)
STRUCTURE = {"mlp_channels": 0.25, "kv_heads": 1}
CALIBRATION = {"dataset": "builtin", "samples": 2, "sequence_length": 24}
RANK = 3


def run_of(model: Path, structure: dict[str, object], output: Path) -> Path:
    """Cut a model, and return the directory of the result."""
    recipe = {"model": str(model), "structure": structure, "calibration": CALIBRATION}
    run_recipe(Recipe.model_validate(recipe), EVALUATION, output=output)
    return output


@pytest.fixture(scope="module")
def cut(tiny_llama_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of(tiny_llama_dir, STRUCTURE, tmp_path_factory.mktemp("like") / "cut")


@pytest.fixture(scope="module")
def shorter(tiny_llama_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of(tiny_llama_dir, {**STRUCTURE, "blocks": 1}, tmp_path_factory.mktemp("like") / "shorter")


def report_of(directory: Path) -> Report:
    return Report.model_validate_json((directory / "pruning_report.json").read_text())


def tensors(directory: Path, name: str = "model.safetensors") -> dict[str, Tensor]:
    return load_file(directory / name)


def without_units(report: Report) -> Report:
    """The report of a run that took out the same blocks, and nothing else."""
    assert report.structure is not None
    alone = report.structure.model_copy(update={"units": (), "blocks": ()})
    return report.model_copy(update={"structure": alone})


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
