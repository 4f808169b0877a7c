"""Runs that search the layers' sparsities: what they write and report, what they refuse, how they resume."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from pruning.api import prune
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.calibration.window_norms import GradientNorms
from pruning.checkpoint.checkpoint import resolve
from pruning.data.calibration import calibration_set
from pruning.data.training import held_out_text, search_text
from pruning.data.windows import Reader, fingerprint
from pruning.errors import InvalidInput
from pruning.methods.results import PrunedLayer
from pruning.pipeline.targets import moved
from pruning.recipe import Evaluation, ModelReference, Recipe, Stage
from pruning.report import LayerFacts, Report
from pruning.resume.store import DirectoryResumeStore, SaveThrottle
from tests.pruning.pipeline.test_shares import naive_shares
from tests.pruning.runs import Steps, run_recipe
from tests.tiers import nightly

pytestmark = pytest.mark.slow

SHORT = {"dataset": "builtin", "samples": 4, "sequence_length": 32}
EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=6)
START = {"allocation": {"name": "gradient", "band": 0.1}}
DISTIL = {"tokens": 512, "tokens_per_step": 64}


def recipe(model: Path, **fields: Any) -> Recipe:
    search = {"allocation": {"name": "search", "band": 0.1}}
    defaults = {"model": str(model), "method": "gblm", "sparsity": 0.5, "dtype": "float32", **search}
    return Recipe.model_validate({**defaults, "calibration": SHORT, **fields})


def reader_of(model: Path) -> Reader:
    checkpoint = resolve(ModelReference(id=str(model)))
    return Reader(checkpoint.tokenizer(), checkpoint.config.vocab_size, checkpoint.context_length)


def searched_windows(model: Path, **fields: Any) -> Tensor:
    wanted, reader = recipe(model, **fields), reader_of(model)
    return search_text(wanted, reader, calibration_set(wanted.calibration, reader).windows).windows


def layers_of(report: Report) -> tuple[LayerFacts, ...]:
    return report.sparsity.layers


def zeros_of(report: Report) -> dict[str, int]:
    return {layer.name: layer.zeros for layer in layers_of(report)}


@pytest.fixture(scope="module")
def undisturbed(tiny_llama_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    output = tmp_path_factory.mktemp("undisturbed") / "out"
    return output, run_recipe(recipe(tiny_llama_dir), EVALUATION, output=output)


@pytest.fixture(scope="module")
def guided(tiny_llama_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """The first pruned model of the search."""
    output = tmp_path_factory.mktemp("guided") / "out"
    return output, run_recipe(recipe(tiny_llama_dir, **START), EVALUATION, output=output)


def test_a_search_moves_zeros_between_layers_and_keeps_their_total(
    undisturbed: tuple[Path, Report], guided: tuple[Path, Report]
) -> None:
    (output, searched), (_, first) = undisturbed, guided
    stages = [stage.name for stage in searched.stages]
    assert stages == ["resolve", "gradients", "trial", "search", "prune", "evaluate"]
    assert searched.search is not None
    assert first.search is None
    assert searched.search.windows == 16
    after, before = zeros_of(searched), zeros_of(first)
    assert after != before
    assert (
        sum(after.values()) == sum(before.values()) == sum(layer.weights for layer in layers_of(first)) // 2
    )
    weights = load_file(output / "model.safetensors")
    assert {name: int((weights[f"{name}.weight"] == 0).sum()) for name in after} == after


def test_the_targets_follow_from_plain_autograd_of_the_first_pruned_model(
    tiny_llama_dir: Path, undisturbed: tuple[Path, Report], guided: tuple[Path, Report]
) -> None:
    (_, searched), (first, report) = undisturbed, guided
    dense, pruned = (AutoModelForCausalLM.from_pretrained(path).double() for path in (tiny_llama_dir, first))
    windows = searched_windows(tiny_llama_dir)
    assert searched.search is not None
    assert searched.search.fingerprint == fingerprint(windows)
    shares, losses = naive_shares(dense, pruned, windows)
    total = sum(float(of_layer.mean()) for of_layer in shares.values())
    assert searched.search.shares == pytest.approx(total, rel=1e-4)
    assert 0.3 < total / float(losses.mean()) < 3  # a rough measure of the loss where half of the weights go

    # That the numbers of zeros are right for these shares is tested by itself.
    layers = [PrunedLayer(one.name, one.block, one.shape, one.zeros) for one in layers_of(report)]
    expected = moved(layers, torch.stack([shares[layer.name] for layer in layers]))
    after = zeros_of(searched)
    for layer, count in zip(layers, expected, strict=True):
        assert after[layer.name] == pytest.approx(count, abs=1e-3 * layer.weights)


@pytest.mark.parametrize("dataset", [{}, {"dataset": "builtin"}])
def test_the_text_of_a_search_is_neither_calibrated_on_nor_judges_a_recovery(
    tiny_llama_dir: Path, dataset: dict[str, str]
) -> None:
    reader, distil = reader_of(tiny_llama_dir), {"recovery": {"distil": {**DISTIL, **dataset}}}
    calibration = calibration_set(recipe(tiny_llama_dir).calibration, reader).windows
    judged = held_out_text(recipe(tiny_llama_dir, **distil), reader, calibration).windows
    alone, with_distil = searched_windows(tiny_llama_dir), searched_windows(tiny_llama_dir, **distil)
    for others, windows in ((calibration, alone), (calibration, with_distil), (judged, with_distil)):
        runs = {tuple(run.tolist()) for window in others for run in window.unfold(0, 24, 1)}
        assert not any(tuple(run.tolist()) in runs for window in windows for run in window.unfold(0, 24, 1))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pattern": "2:4", "sparsity": None}, "pattern 2:4 fixes the sparsity of every layer"),
        ({"method": {"name": "wanda", "selection": "cumulative"}}, "selection 'cumulative' cannot do"),
        ({"structure": {"mlp_channels": 16}}, "use 'gradient', or leave structure out"),
    ],
)
def test_a_search_is_of_an_unstructured_mask_alone(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        recipe(Path("/models/any"), **fields)
    assert [error["loc"] for error in refused.value.errors()] == [("allocation",)]


def test_a_text_without_windows_for_the_search_is_refused_before_computing(
    tiny_llama_dir: Path, tmp_path: Path
) -> None:
    short, progress = tmp_path / "short.txt", Steps()
    short.write_text("A few words that are long enough to calibrate on, and no more than that. " * 12)
    with pytest.raises(InvalidInput, match="16 are held out") as refused:
        run_recipe(
            recipe(tiny_llama_dir, calibration={**SHORT, "dataset": str(short)}),
            EVALUATION,
            output=tmp_path / "out",
            progress=progress,
        )
    assert refused.value.field == "allocation"
    assert progress.seen == []


def test_token_ids_do_not_say_where_an_article_ends() -> None:
    with pytest.raises(ValidationError, match=r"tokens\.npy holds token ids") as refused:
        recipe(Path("/models/any"), calibration={**SHORT, "dataset": "/data/tokens.npy"})
    assert [error["loc"] for error in refused.value.errors()] == [("calibration",)]


def test_a_model_in_memory_is_not_searched(tiny_llama_dir: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_llama_dir)
    with pytest.raises(InvalidInput, match="prune_to_directory does") as refused:
        prune(model, recipe(tiny_llama_dir), torch.zeros(4, 32, dtype=torch.int64))
    assert refused.value.field == "allocation"


@pytest.mark.parametrize(
    ("stage", "done"),
    [
        (Stage.SEARCH, 1),
        *(nightly(*at) for at in ((Stage.TRIAL, 1), (Stage.TRIAL, 2), (Stage.PRUNE, 1))),
        (Stage.PRUNE, 2),
    ],
)
@pytest.mark.parametrize("schedule", [nightly("whole"), "streamed"])
def test_a_search_that_was_interrupted_gives_the_same_bytes(
    tiny_llama_dir: Path,
    undisturbed: tuple[Path, Report],
    stage: Stage,
    done: int,
    schedule: ScheduleChoice,
    tmp_path: Path,
) -> None:
    wanted, output, messages = recipe(tiny_llama_dir), tmp_path / "out", list[str]()
    stopped, again = Steps(at=(stage, done)), Steps()
    store = DirectoryResumeStore(tmp_path / "store")
    with pytest.raises(InterruptedError):
        run_recipe(wanted, EVALUATION, output=output, progress=stopped, resume_store=store, schedule=schedule)
    store = DirectoryResumeStore(tmp_path / "store", messages.append)
    report = run_recipe(
        wanted, EVALUATION, output=output, progress=again, resume_store=store, schedule=schedule
    )
    expected, undisturbed_report = undisturbed
    assert (output / "model.safetensors").read_bytes() == (expected / "model.safetensors").read_bytes()
    assert report.perplexity == undisturbed_report.perplexity
    assert messages == []
    if stage == Stage.PRUNE:  # what has been searched is not searched again
        assert [step for step in again.seen if step[0] == Stage.SEARCH] == [stopped.seen[-1 - done]]
    assert not (tmp_path / "store" / "search" / "pruned").exists()


def test_what_an_attempt_has_finished_of_a_search_is_not_done_again(
    tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a method that uses no gradients, so that they are of no use after the trial."""
    monkeypatch.setattr(SaveThrottle, "is_due", lambda self, nbytes: True)
    wanted, output, store = recipe(tiny_llama_dir, method="wanda"), tmp_path / "out", tmp_path / "store"
    finished = dict[str, int]()
    for stage, done, again in (
        (Stage.TRIAL, 1, {Stage.GRADIENTS}),
        (Stage.TRIAL, 3, {Stage.GRADIENTS}),
        (Stage.SEARCH, 4, set()),
        (Stage.PRUNE, 1, set()),
        (None, -1, set()),
    ):
        progress = Steps(at=(stage, done))
        attempt = partial(
            run_recipe, wanted, EVALUATION, output=output, progress=progress, schedule="streamed"
        )
        if stage is None:
            attempt(resume_store=DirectoryResumeStore(store))
        else:
            with pytest.raises(InterruptedError):
                attempt(resume_store=DirectoryResumeStore(store))
        assert not {step[0] for step in progress.seen} & {Stage.GRADIENTS} - again
        shards = {str(path): path.stat().st_mtime_ns for path in store.glob("trial/0*.safetensors")}
        assert shards | finished == shards
        finished = shards
        if (stage, done) == (Stage.TRIAL, 1):
            assert list(store.glob("trial/activations-*"))
    assert len(finished) == 3
    assert not list(store.glob("trial/activations-*"))


@pytest.mark.parametrize("schedule", [nightly("whole"), "streamed"])
def test_a_search_that_ran_out_of_memory_is_found_again(
    tiny_llama_dir: Path, schedule: ScheduleChoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message says that the blocks of its pass, which have the smaller micro-batch, are lost."""
    wanted, output, tried = recipe(tiny_llama_dir), tmp_path / "out", list[int]()
    run = getattr(GradientPass, f"_run_{schedule}")

    def short_of_memory(self: GradientPass, *given: Any) -> GradientNorms:
        tried.append(self.schedule.micro_batch)
        if self._norms == ["shares"] and self.schedule.micro_batch > 8:
            raise MemoryError
        norms: GradientNorms = run(self, *given)
        return norms

    monkeypatch.setattr(GradientPass, f"_run_{schedule}", short_of_memory)
    store = DirectoryResumeStore(tmp_path / "store")
    with pytest.raises(InterruptedError):
        run_recipe(
            wanted,
            EVALUATION,
            output=output,
            progress=Steps(at=(Stage.PRUNE, 1)),
            resume_store=store,
            schedule=schedule,
        )
    assert 8 in tried
    again, messages = Steps(), list[str]()
    store = DirectoryResumeStore(tmp_path / "store", messages.append)
    run_recipe(wanted, EVALUATION, output=output, progress=again, resume_store=store, schedule=schedule)
    assert len([step for step in again.seen if step[0] == Stage.SEARCH]) == 1
    assert messages == []
