import math
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
)

from bench.workload.models import perplexity
from pruning.data.text import Source, read_documents
from pruning.errors import InvalidInput, NumericalFailure
from pruning.models.placement import Placement
from pruning.pipeline.console import result_table
from pruning.pipeline.evaluate import PerplexityLimit
from pruning.recipe import METHODS, Evaluation, Recipe, Stage
from pruning.report import CalibrationFacts, ModelFacts, Report
from pruning.resume.store import DirectoryResumeStore, RunIdentityCheck
from tests.pruning.runs import run_recipe
from tests.pruning.tiny import save_checkpoint, tiny_llama
from tests.tiers import nightly

pytestmark = pytest.mark.slow

SHORT = {"dataset": "builtin", "samples": 4, "sequence_length": 32}
EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=6)

KEPT = {"dataset", "sequence_length", "windows"}


def recipe(model: Path | str, **fields: Any) -> Recipe:
    defaults = {"model": str(model), "method": "gblm", "sparsity": 0.5, "calibration": SHORT}
    return Recipe.model_validate({**defaults, **fields})


class Recorder:
    """Records the progress of a run, and stops it at a given step."""

    def __init__(self, stop_at: tuple[Stage, int] | None = None) -> None:
        self.started: list[Stage] = []
        self.finished: list[Stage] = []
        self.steps: dict[Stage, list[tuple[int, int]]] = {}
        self._stop_at = stop_at

    def stage_started(self, stage: Stage, steps: int) -> None:
        self.started.append(stage)
        self.steps[stage] = [(0, steps)]

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        self.steps[stage].append((done, steps))
        if self._stop_at == (stage, done):
            raise InterruptedError

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        assert seconds > 0
        assert peak_memory_bytes > 2**20
        self.finished.append(stage)


def layers_of(directory: Path) -> dict[str, torch.Tensor]:
    """Return the matrices of the blocks; their norms are vectors."""
    return {
        name: tensor
        for name, tensor in load_file(directory / "model.safetensors").items()
        if ".layers." in name and tensor.ndim == 2
    }


@pytest.mark.parametrize(
    ("fields", "samples", "warns"),
    [
        ({"method": "sparsegpt"}, 1, True),
        ({"method": "sparsegpt"}, 4, False),
        ({"method": "wanda"}, 1, False),
        ({"method": "wanda", "refit": True}, 1, True),
        ({"method": "wanda", "refit": {"ridge": 4}}, 1, False),
        ({"method": {"name": "admm", "ridge": 4}}, 1, False),
    ],
)
def test_weights_that_were_solved_for_without_a_ridge_on_few_tokens_are_warned_of(
    tiny_llama_dir: Path, tmp_path: Path, fields: dict[str, Any], samples: int, warns: bool
) -> None:
    calibration = recipe(tiny_llama_dir).calibration.model_copy(update={"samples": samples})
    asked = recipe(tiny_llama_dir, **fields, calibration=calibration.model_dump())
    report = run_recipe(asked, EVALUATION, output=tmp_path / "out")
    widest = max(layer.shape[1] for layer in report.sparsity.layers)
    assert (32 * samples < widest) == (samples == 1)
    of_tokens = [text for text in report.warnings if f"up to {widest} inputs were solved for on 32" in text]
    assert len(of_tokens) == warns


def test_a_model_is_pruned_measured_and_written(tiny_llama_dir: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    progress = Recorder()
    report = run_recipe(recipe(tiny_llama_dir), EVALUATION, output=output, progress=progress, save_masks=True)

    assert progress.started == progress.finished == ["resolve", "gradients", "prune", "evaluate"]
    for steps in progress.steps.values():
        total = steps[0][1]
        assert steps == [(done, total) for done in range(total + 1)]
    assert progress.steps[Stage.PRUNE][0][1] == 3

    assert report == Report.model_validate_json((output / "pruning_report.json").read_text())
    assert report.recipe_fingerprint == recipe(tiny_llama_dir).fingerprint()
    assert [facts.name for facts in report.stages] == progress.finished
    assert (report.model.architecture, report.model.blocks) == ("LlamaForCausalLM", 3)
    assert report.calibration is not None
    assert (report.calibration.windows, report.calibration.tokens) == (4, 128)
    assert report.environment.dtype == "float32"
    assert report.evaluation == EVALUATION
    assert report.warnings == ()

    dense, pruned = layers_of(tiny_llama_dir), layers_of(output)
    assert dense.keys() == pruned.keys() == {f"{layer.name}.weight" for layer in report.sparsity.layers}
    for layer in report.sparsity.layers:
        matrix = pruned[f"{layer.name}.weight"]
        kept = matrix != 0
        assert torch.equal(matrix[kept], dense[f"{layer.name}.weight"][kept])
        assert (~kept).sum(dim=1).tolist() == [matrix.shape[1] // 2] * matrix.shape[0]
        assert layer.zeros == int((~kept).sum())
    assert report.sparsity.overall == 0.5
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_both_perplexities_are_those_of_the_models_on_disk(tiny_llama_dir: Path, tmp_path: Path) -> None:
    report = run_recipe(recipe(tiny_llama_dir), EVALUATION, output=tmp_path / "out")
    ids = AutoTokenizer.from_pretrained(tmp_path / "out")(
        read_documents(Source("builtin", "evaluation", "field"))[0]
    )["input_ids"]
    windows = torch.tensor(ids[: 6 * 32]).view(6, 32)
    for directory, measured in (
        (tiny_llama_dir, report.perplexity.dense),
        (tmp_path / "out", report.perplexity.pruned),
    ):
        model = AutoModelForCausalLM.from_pretrained(directory)
        expected = math.exp(sum(model(row[None], labels=row[None]).loss.item() for row in windows) / 6)
        assert measured == pytest.approx(expected, rel=1e-5)
        assert perplexity(model, windows, step=lambda done, total: None) == measured


def test_several_texts_are_calibrated_on_and_measured(tiny_llama_dir: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The suite of the for statement. " * 100)
    datasets = [{"dataset": "builtin", "weight": 3}, {"dataset": str(text)}]
    progress = Recorder()
    report = run_recipe(
        recipe(tiny_llama_dir, calibration={"datasets": datasets, "samples": 4, "sequence_length": 32}),
        Evaluation.model_validate({"domains": {"own": str(text)}, **EVALUATION.model_dump(include=KEPT)}),
        output=tmp_path / "out",
        progress=progress,
    )
    assert report.calibration is not None
    assert [(part.dataset, part.windows) for part in report.calibration.sets] == [
        ("builtin", 3),
        (str(text), 1),
    ]
    assert progress.steps[Stage.EVALUATE] == [(done, 4) for done in range(5)]
    (further,) = report.domains.values()
    assert (report.perplexity.dataset, further.dataset) == ("builtin", str(text))
    assert further.fingerprint != report.perplexity.fingerprint
    assert further.dense != report.perplexity.dense
    assert "perplexity on text.txt" in report.warnings[0]


def test_the_same_recipe_gives_the_same_bytes(tiny_llama_dir: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run_recipe(recipe(tiny_llama_dir), EVALUATION, output=tmp_path / name, save_masks=True)
    for file in ("model.safetensors", "masks.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_each_stage_gives_back_the_memory_of_its_copies(
    tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, during = Recorder(), list[Stage]()
    monkeypatch.setattr(Placement, "end_stage", lambda placement: during.append(progress.started[-1]))
    run_recipe(recipe(tiny_llama_dir, method="gblm"), EVALUATION, output=tmp_path / "out", progress=progress)
    assert during == [Stage.GRADIENTS, Stage.PRUNE, Stage.EVALUATE, Stage.EVALUATE]


@pytest.mark.parametrize("structure", [None, {"mlp_channels": 0.25}])
def test_the_method_none_leaves_out_the_stage_that_masks(
    tiny_llama_dir: Path, tmp_path: Path, structure: dict[str, float] | None
) -> None:
    """The weights are the dense model's, or what the cut alone leaves, byte for byte."""
    progress, expected = Recorder(), tiny_llama_dir
    report = run_recipe(
        recipe(tiny_llama_dir, method="none", sparsity=None, structure=structure),
        EVALUATION,
        output=tmp_path / "out",
        progress=progress,
        save_masks=True,
    )
    if structure is not None:
        expected = tmp_path / "cut"
        run_recipe(
            recipe(tiny_llama_dir, method=None, sparsity=None, structure=structure),
            EVALUATION,
            output=expected,
        )
    assert Stage.PRUNE not in progress.started
    assert (report.sparsity.layers, report.sparsity.overall) == ((), 0)
    assert "sparsity" not in [*result_table(report).columns[0].cells]
    weights, same = (directory / "model.safetensors" for directory in (tmp_path / "out", expected))
    assert weights.read_bytes() == same.read_bytes()
    assert not (tmp_path / "out" / "masks.safetensors").exists()


@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"none"}))
@pytest.mark.parametrize("pattern", ["unstructured", nightly("2:4")])
def test_every_method_runs_only_the_stages_that_it_needs(
    tiny_llama_tied_dir: Path, tmp_path: Path, name: str, pattern: str
) -> None:
    needs = METHODS[name].needs
    # A method that reads no text must not ask for it: c4 is out of reach here.
    calibration = SHORT if needs else {"dataset": "c4"}
    progress = Recorder()
    report = run_recipe(
        recipe(tiny_llama_tied_dir, method=name, pattern=pattern, calibration=calibration),
        EVALUATION,
        output=tmp_path / "out",
        progress=progress,
    )
    assert (Stage.GRADIENTS in progress.started) == ("gradient_norms" in needs)
    assert (report.calibration is not None) == bool(needs)
    assert report.sparsity.overall == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("stage", "done"), [(Stage.RESOLVE, 1), (Stage.GRADIENTS, 1), (Stage.PRUNE, 2), (Stage.EVALUATE, 1)]
)
def test_a_stopped_run_leaves_no_files(tiny_llama_dir: Path, tmp_path: Path, stage: Stage, done: int) -> None:
    with pytest.raises(InterruptedError):
        run_recipe(
            recipe(tiny_llama_dir),
            EVALUATION,
            output=tmp_path / "out",
            progress=Recorder(stop_at=(stage, done)),
        )
    assert list(tmp_path.iterdir()) == []


def test_calibrating_and_evaluating_on_one_file_is_a_warning(tiny_llama_dir: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The suite of the for statement. " * 100)
    report = run_recipe(
        recipe(tiny_llama_dir, calibration={**SHORT, "dataset": str(text)}),
        Evaluation(dataset=str(text), sequence_length=32),
        output=tmp_path / "out",
    )
    assert "calibrated on" in report.warnings[0]


def test_a_model_with_nan_weights_fails_and_leaves_no_files(tmp_path: Path) -> None:
    model = tiny_llama()
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[0, 0] = math.nan
    directory = save_checkpoint(model, tmp_path / "model")
    with pytest.raises(NumericalFailure, match="layer"):
        run_recipe(recipe(directory), EVALUATION, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_over_the_limit_whose_windows_were_all_measured_has_its_intervals(
    tiny_llama_dir: Path, tmp_path: Path
) -> None:
    evaluation = EVALUATION.model_copy(
        update={"windows": 8}
    )  # one batch: the limit is exceeded after the last
    whole = run_recipe(recipe(tiny_llama_dir), evaluation, output=tmp_path / "whole")
    assert whole.perplexity.intervals is not None
    limited = run_recipe(
        recipe(tiny_llama_dir),
        evaluation,
        output=tmp_path / "limited",
        limit=PerplexityLimit(perplexity=1.5),
    )
    assert limited.perplexity == whole.perplexity
    assert not limited.perplexity.cut_short


def test_windows_are_compared_where_both_attempts_read_text(tmp_path: Path) -> None:
    """A recipe that reads none has windows only for its exports."""
    model = ModelFacts.model_construct(id="org/name", commit="0" * 40, digest=None)
    some, others = (CalibrationFacts.model_construct(fingerprint=name) for name in ("some", "others"))
    cases = ((None, some), (some, None), (some, some), (some, others))
    for number, (before, now) in enumerate(cases):
        store = DirectoryResumeStore(tmp_path / str(number))
        RunIdentityCheck(store).commit("recipe", model, before)
        with pytest.raises(InvalidInput) if now is others else nullcontext():
            RunIdentityCheck(store).commit("recipe", model, now)
