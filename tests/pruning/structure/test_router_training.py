"""Runs that take experts out of a mixture, or mask some of their weights, and train its routers alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.pipeline import recover
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.recovery import distil
from pruning.report import Report
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.families import make
from tests.pruning.runs import Steps, run_recipe
from tests.tiers import nightly

pytestmark = pytest.mark.slow

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=8, speed="off")
TRAINING = {"distil": {"train": "router", "tokens": 768, "tokens_per_step": 48}}
CHANGES: dict[str, dict[str, Any]] = {
    "experts": {"structure": {"experts": 2}},
    "mask": {"method": "wanda", "sparsity": 0.5},
    "experts, mask": {"structure": {"experts": 2}, "method": "wanda", "pattern": "2:4"},
}
MODELS: dict[str, Callable[[], PreTrainedModel]] = {
    "mixtral": lambda: make("mixtral", num_local_experts=6, num_experts_per_tok=3),
    "qwen3_moe": lambda: make("qwen3_moe", num_experts=6),
    "qwen2_moe": lambda: make("qwen2_moe", num_experts=6),
    "gpt_oss": lambda: make("gpt_oss", num_local_experts=6),
}
ROUTERS = ("mlp.gate.weight", "block_sparse_moe.gate.weight", "mlp.router.weight", "mlp.router.bias")


@pytest.fixture(scope="module", autouse=True)
def fast() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recover, "RATE", 0.02)  # of so few steps: forty times the usual rate
        yield


@pytest.fixture(name="directory", scope="module")
def checkpoints(
    save_checkpoint: Callable[[PreTrainedModel, Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("mixtures")
    return lambda name: (
        root / name if (root / name).exists() else save_checkpoint(MODELS[name]().bfloat16(), root / name)
    )


def run_of(model: Path, output: Path, change: str, recovery: dict[str, Any] | None, **more: Any) -> Report:
    calibration = {"dataset": "builtin", "samples": 3, "sequence_length": 24}
    fields = {"model": str(model), "calibration": calibration, "dtype": "float32", **CHANGES[change]}
    recipe = Recipe.model_validate({**fields, "recovery": recovery})
    return run_recipe(recipe, EVALUATION, output=output, **more)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("mixtral", "experts"),
        ("qwen3_moe", "experts"),
        ("qwen3_moe", "mask"),
        ("qwen2_moe", "experts"),
        nightly("gpt_oss", "experts"),
        nightly("mixtral", "experts, mask"),
    ],
)
def test_routers_are_trained_and_every_other_tensor_is_what_it_was(
    name: str, change: str, directory: Callable[[str], Path], tmp_path: Path
) -> None:
    before = run_of(directory(name), tmp_path / "before", change, None)
    report = run_of(directory(name), tmp_path / "out", change, TRAINING)
    old, new = (load_file(tmp_path / output / "model.safetensors") for output in ("before", "out"))
    assert old.keys() == new.keys()
    changed = {key for key in old if not torch.equal(old[key].view(torch.int16), new[key].view(torch.int16))}
    assert changed == {key for key in old if key.endswith(ROUTERS)} != set()
    assert (tmp_path / "out/config.json").read_bytes() == (tmp_path / "before/config.json").read_bytes()

    assert report.recovery is not None
    facts = report.recovery.distil
    assert (facts.train, report.recovery.is_trained) == ("router", True)
    assert facts.after < facts.before
    assert report.sparsity == before.sparsity
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Its routers, and nothing else, were then **trained**" in card
    assert "| routers trained | 768 tokens of builtin; step" in card
    assert "All of its weights" not in card


def test_a_training_of_routers_that_is_stopped_resumes_to_the_same_bits_and_saves_nothing_else(
    directory: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = run_of(directory("qwen3_moe"), tmp_path / "undisturbed", "experts", TRAINING)
    monkeypatch.setattr(distil, "_SAVE_INTERVAL", 0.0)
    monkeypatch.setattr("pruning.resume.store.SaveThrottle.is_due", lambda throttle, size: True)
    store = DirectoryResumeStore(tmp_path / "resume")
    stopped, last = Steps(at=(Stage.RECOVER, 40)), Steps()
    model, output = directory("qwen3_moe"), tmp_path / "out"
    with pytest.raises(InterruptedError):
        run_of(model, output, "experts", TRAINING, resume_store=store, progress=stopped)
    saved = [load_file(path) for path in (tmp_path / "resume" / "recover").rglob("*.safetensors")]
    assert any("curve" in state for state in saved)
    for state in saved:
        assert all(key.endswith("gate.weight") or key in ("curve", "sums") for key in state), sorted(state)
    report = run_of(model, output, "experts", TRAINING, resume_store=store, progress=last)
    assert last.of(Stage.RECOVER)[0][0] > 8  # not from the beginning again
    assert report.recovery == undisturbed.recovery
    file = "model.safetensors"
    assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "undisturbed" / file).read_bytes()


def test_a_model_without_routers_is_refused_before_anything_is_computed(
    tiny_llama_dir: Path, tmp_path: Path
) -> None:
    progress = Steps()
    with pytest.raises(InvalidInput, match=r"'router' needs a mixture.*use 'all'") as caught:
        run_of(tiny_llama_dir, tmp_path / "out", "mask", TRAINING, progress=progress)
    assert caught.value.field == "recovery.distil.train"
    assert progress.seen == []
