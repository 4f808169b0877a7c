"""What a config says of the code to take is neither followed nor carried into the output."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from transformers import modeling_utils
from transformers.integrations import hub_kernels

from pruning.checkpoint.checkpoint import resolve
from pruning.pipeline.models import ResolvedModel
from pruning.recipe import Evaluation, ModelReference, Recipe
from pruning.report import Report
from tests.pruning.runs import run_recipe

pytestmark = pytest.mark.threat

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=4)
NAMES = (
    *("attn_implementation", "_attn_implementation", "experts_implementation", "auto_map"),
    *("custom_pipelines", "custom_generate", "fusion_config"),
)
HOSTILE: list[dict[str, Any]] = [
    {"attn_implementation": "kernels-community/x"},
    {"_attn_implementation": "kernels-community/x"},
    {"attn_implementation": "flash_attention_2"},
    {"attn_implementation": "eager"},
    {"experts_implementation": "sonicmoe"},
    {"fusion_config": {"homemade": True}},
    {"nested": {"attn_implementation": "kernels-community/x"}, "custom_pipelines": {"p": {"impl": "m.P"}}},
]


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """As if the package `kernels` were installed: the names of what it is asked to fetch and run."""
    names: list[str] = []

    def get_kernel(name: str, **_: object) -> ModuleType:
        names.append(name)
        return ModuleType(name)

    monkeypatch.setattr(hub_kernels, "get_kernel_hub", get_kernel, raising=False)
    for module in (hub_kernels, modeling_utils):
        monkeypatch.setattr(module, "is_kernels_available", lambda: True)
    yield names
    assert not names


def hostile(dense: Path, directory: Path, entries: dict[str, Any]) -> Path:
    shutil.copytree(dense, directory)
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, **entries}))
    return directory


def pruned(model: Path, output: Path, way: dict[str, Any]) -> Report:
    recipe = {
        "model": str(model),
        "calibration": {"dataset": "builtin", "samples": 2, "sequence_length": 32},
        **way,
    }
    return run_recipe(Recipe.model_validate(recipe), EVALUATION, output=output)


@pytest.mark.parametrize("entries", HOSTILE, ids=str)
@pytest.mark.usefixtures("fetched")
def test_both_models_have_the_attention_that_transformers_chooses(
    entries: dict[str, Any], tiny_llama_dir: Path, tmp_path: Path
) -> None:
    dense = hostile(tiny_llama_dir, tmp_path / "dense", entries)
    model = ResolvedModel(
        resolve(ModelReference(id=str(dense))), frozenset(), (torch.device("cpu"),), torch.float32
    )
    for placement in (model.place_dense(), model.place_pruned(dense)):
        assert placement.model.config._attn_implementation == "sdpa"
        assert placement.model.config._experts_implementation != "sonicmoe"
        assert not hasattr(placement.model.config, "fusion_config")


@pytest.mark.parametrize(
    "way", [{"method": "magnitude", "sparsity": 0.5}, {"structure": {"mlp_channels": 0.25}}], ids=str
)
@pytest.mark.usefixtures("fetched")
def test_the_output_names_no_code(way: dict[str, Any], tiny_llama_dir: Path, tmp_path: Path) -> None:
    entries = dict.fromkeys(NAMES[:2], "kernels-community/x") | {"custom_pipelines": {}}
    entries["auto_map"] = {"AutoModelForCausalLM": "someone/code--modeling.Model"}
    dense = hostile(tiny_llama_dir, tmp_path / "dense", entries)
    for name in ("tokenizer_config.json", "generation_config.json"):
        path = dense / name
        content = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(
            json.dumps({**content, "auto_map": {"AutoTokenizer": ["x.T", None]}, "custom_generate": "x/y"})
        )
    report = pruned(dense, tmp_path / "out", way)
    plain = pruned(tiny_llama_dir, tmp_path / "plain", way)
    assert report.perplexity == plain.perplexity
    for name in ("config.json", "tokenizer_config.json", "generation_config.json"):
        text = (tmp_path / "out" / name).read_text()
        assert not [key for key in NAMES if f'"{key}"' in text]
    config, expected = (json.loads((tmp_path / out / "config.json").read_text()) for out in ("out", "plain"))
    assert config == expected
