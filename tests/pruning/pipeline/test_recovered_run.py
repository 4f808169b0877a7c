"""Runs that train after pruning: report, files, zeros, refusals, and how they resume."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from pruning.errors import InvalidInput
from pruning.methods.results import PrunedBlock, StoredBlocks
from pruning.pipeline import recover, resources
from pruning.progress import Silent
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.recovery import distil
from pruning.report import Report
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.runs import Steps, read_masks, run_recipe
from tests.tiers import nightly

pytestmark = pytest.mark.slow

SHORT = {"dataset": "builtin", "samples": 4, "sequence_length": 32}
EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=6)
DISTIL = {"tokens": 2048, "tokens_per_step": 64}
# Of so few steps: a hundred times the usual rate.
FAST = 0.05


def recipe(model: Path, **fields: Any) -> Recipe:
    defaults = {"model": str(model), "method": "wanda", "sparsity": 0.5, "dtype": "float32"}
    recovery = {"recovery": {"distil": DISTIL}}
    return Recipe.model_validate({**defaults, "calibration": SHORT, **recovery, **fields})


@pytest.fixture(scope="module", autouse=True)
def fast() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recover, "RATE", FAST)
        yield


@pytest.fixture(scope="module")
def model(tiny_llama_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small Llama in bfloat16, so that what is trained in float32 is rounded."""
    directory = tmp_path_factory.mktemp("recovered") / "model"
    shutil.copytree(tiny_llama_dir, directory)
    tensors = {name: tensor.bfloat16() for name, tensor in load_file(directory / "model.safetensors").items()}
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})
    return directory


@pytest.fixture(scope="module")
def steps() -> list[tuple[int, int]]:
    """The steps of the recovery of the undisturbed run."""
    return []


@pytest.fixture(scope="module")
def undisturbed(
    model: Path, steps: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Report]:
    output, progress = tmp_path_factory.mktemp("undisturbed") / "out", Steps()
    report = run_recipe(recipe(model), EVALUATION, output=output, save_masks=True, progress=progress)
    steps += progress.of(Stage.RECOVER)
    return output, report


def test_a_trained_model_is_closer_to_the_dense_one_and_reported_as_trained(
    model: Path, undisturbed: tuple[Path, Report], tmp_path: Path
) -> None:
    output, report = undisturbed
    one_shot = run_recipe(recipe(model, recovery=None), EVALUATION, output=tmp_path / "one-shot")
    assert report.recovery is not None
    distil = report.recovery.distil
    assert distil is not None
    assert report.recovery.is_trained
    assert (distil.windows, distil.tokens, distil.steps, distil.held_out_windows) == (64, 2048, 32, 16)
    assert [point.step for point in distil.curve] == [4 * number for number in range(9)]
    assert distil.after == min(point.held_out_loss for point in distil.curve) < 0.9 * distil.before
    assert [stage.name for stage in report.stages] == ["resolve", "prune", "recover", "evaluate"]
    assert one_shot.recovery is None
    assert report.perplexity.pruned != one_shot.perplexity.pruned
    card = (output / "README.md").read_text()
    assert "**trained**" in card
    assert f"2048 tokens of builtin; step {distil.kept_step} of 32" in card
    assert "**trained**" not in (tmp_path / "one-shot" / "README.md").read_text()


def test_zeros_stay_zeros_and_only_kept_weights_and_norms_change(
    model: Path, undisturbed: tuple[Path, Report]
) -> None:
    before, after = (load_file(path / "model.safetensors") for path in (model, undisturbed[0]))
    masks = read_masks(undisturbed[0] / "masks.safetensors")
    assert {name: tensor.dtype for name, tensor in after.items()} == dict.fromkeys(before, torch.bfloat16)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {*masks, *(name for name in before if "norm" in name)}
    for name, mask in masks.items():
        assert not after[name].view(torch.int16)[mask].any()  # +0.0, bit for bit
        assert (after[name] != before[name])[~mask].float().mean() > 0.5


@pytest.mark.usefixtures("undisturbed")
def test_the_steps_of_the_stage_are_its_batches(steps: list[tuple[int, int]]) -> None:
    # 32 steps, and nine judgements of 16 windows, two at a time.
    assert list(dict.fromkeys(steps)) == [(done, 104) for done in range(105)]


@pytest.mark.parametrize("stops", [nightly([103]), [20, 60]])
def test_a_training_that_is_stopped_resumes_to_the_same_files(
    model: Path,
    undisturbed: tuple[Path, Report],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stops: list[int],
) -> None:
    monkeypatch.setattr(distil, "_SAVE_INTERVAL", 0.0)
    monkeypatch.setattr("pruning.resume.store.SaveThrottle.is_due", lambda throttle, size: True)
    store = tmp_path / "resume"
    for done in stops:
        with pytest.raises(InterruptedError):
            run_recipe(
                recipe(model), EVALUATION, output=tmp_path / "out", save_masks=True,
                resume_store=DirectoryResumeStore(store), progress=Steps(at=(Stage.RECOVER, done)),
            )  # fmt: skip
    last = Steps()
    report = run_recipe(
        recipe(model), EVALUATION, output=tmp_path / "out", save_masks=True,
        resume_store=DirectoryResumeStore(store), progress=last,
    )  # fmt: skip
    assert report.recovery == undisturbed[1].recovery
    assert report.perplexity == undisturbed[1].perplexity
    for name in ("model.safetensors", "masks.safetensors"):
        assert (tmp_path / "out" / name).read_bytes() == (undisturbed[0] / name).read_bytes()
    first, _ = last.of(Stage.RECOVER)[0]
    assert first > 8  # not from the beginning again
    # A row for each saved state, so that the job's losses are counted anew.
    assert len(list((store / "recover").glob("step-*.json"))) > len(stops)


def test_a_run_that_is_stopped_after_its_training_does_not_train_again(
    model: Path, undisturbed: tuple[Path, Report], tmp_path: Path
) -> None:
    class StopInEvaluation(Silent):
        def stage_started(self, stage: Stage, steps: int) -> None:
            if stage == Stage.EVALUATE:
                raise InterruptedError

    store = DirectoryResumeStore(tmp_path / "resume")
    with pytest.raises(InterruptedError):
        run_recipe(
            recipe(model),
            EVALUATION,
            output=tmp_path / "out",
            resume_store=store,
            progress=StopInEvaluation(),
        )
    again = Steps()
    report = run_recipe(
        recipe(model), EVALUATION, output=tmp_path / "out", resume_store=store, progress=again
    )
    assert again.of(Stage.RECOVER) == [(104, 104)]
    assert report.recovery == undisturbed[1].recovery
    file = "model.safetensors"
    assert (tmp_path / "out" / file).read_bytes() == (undisturbed[0] / file).read_bytes()


@pytest.mark.nightly
def test_another_training_is_measured_again(
    model: Path, undisturbed: tuple[Path, Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "resume"
    run_recipe(recipe(model), EVALUATION, output=tmp_path / "first", resume_store=DirectoryResumeStore(store))
    # Another version finds another rate right: its training has another result.
    monkeypatch.setattr(recover, "RATE", 2 * FAST)
    again = run_recipe(
        recipe(model), EVALUATION, output=tmp_path / "again", resume_store=DirectoryResumeStore(store)
    )
    afresh = run_recipe(recipe(model), EVALUATION, output=tmp_path / "afresh")
    assert afresh.perplexity.pruned != undisturbed[1].perplexity.pruned
    assert (again.perplexity, again.recovery) == (afresh.perplexity, afresh.recovery)


@pytest.mark.nightly
@pytest.mark.parametrize("recovery", [None, {"distil": {**DISTIL, "tokens": 256}}], ids=["masks", "trained"])
def test_what_was_computed_with_other_masks_is_not_used_again(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recovery: dict[str, Any] | None
) -> None:
    wanted, store = recipe(model, recovery=recovery), tmp_path / "resume"
    first = run_recipe(
        wanted, EVALUATION, output=tmp_path / "first", resume_store=DirectoryResumeStore(store)
    )
    # The blocks are lost, and pruned again with other masks, as a GPU may.
    shutil.rmtree(store / "prune")
    put = StoredBlocks.put

    def put_another(blocks: StoredBlocks, block: int, pruned: PrunedBlock) -> None:
        masks = {name: mask.roll(1, dims=-1) for name, mask in pruned.masks.items()}
        put(blocks, block, replace(pruned, masks=masks))

    monkeypatch.setattr(StoredBlocks, "put", put_another)
    again = run_recipe(
        wanted, EVALUATION, output=tmp_path / "again", resume_store=DirectoryResumeStore(store)
    )
    afresh = run_recipe(wanted, EVALUATION, output=tmp_path / "afresh")
    assert first.perplexity.pruned != afresh.perplexity.pruned
    assert (again.perplexity, again.recovery) == (afresh.perplexity, afresh.recovery)
    file = "model.safetensors"
    assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "afresh" / file).read_bytes()


def test_a_training_that_improves_nothing_leaves_the_pruned_model(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recover, "RATE", 10.0)
    hopeless = {"distil": {**DISTIL, "tokens": 256}}
    wanted = recipe(model, sparsity=0.02, recovery=hopeless)
    report = run_recipe(wanted, EVALUATION, output=tmp_path / "out")
    one_shot = recipe(model, sparsity=0.02, recovery=None)
    run_recipe(one_shot, EVALUATION, output=tmp_path / "one-shot")
    assert report.recovery is not None
    assert report.recovery.distil is not None
    assert (report.recovery.distil.kept_step, report.recovery.is_trained) == (0, False)
    assert "nothing kept" in (tmp_path / "out" / "README.md").read_text()
    files = [tmp_path / name / "model.safetensors" for name in ("out", "one-shot")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_model_too_large_for_training_is_refused_before_computing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "total_memory", lambda device: 100_000)
    progress = Steps()
    with pytest.raises(InvalidInput, match=r"needs [0-9.]+ MB of memory .*, and cpu has 100 kB") as caught:
        run_recipe(recipe(model), EVALUATION, output=tmp_path / "out", progress=progress)
    assert caught.value.field == "recovery.distil"
    assert progress.seen == []
    assert "give recovery.distil.state" not in str(caught.value)

    # A narrower state needs less, which the refusal says; it is taken where no state is asked for.
    def needed(state: str) -> int:
        monkeypatch.setattr(resources, "total_memory", lambda device: 100_000)
        with pytest.raises(InvalidInput) as caught:
            run_recipe(short(state), EVALUATION, output=tmp_path / "out")
        return int(1e6 * float(re.search(r"needs ([0-9.]+) MB", str(caught.value))[1]))  # type: ignore[index]  # matched above

    def short(state: str) -> Recipe:
        return recipe(model, recovery={"distil": {**DISTIL, "tokens": 256, "state": state}})

    wide = needed("float32")
    stored = load_file(model / "model.safetensors")
    trained = sum(tensor.numel() for name, tensor in stored.items() if ".layers." in name)
    # The two moments of a weight: in a byte and a scale of a block of 256, in place of four bytes.
    assert wide - needed("8-bit") == pytest.approx(2 * (4 - 1 - 4 / 256) * trained, abs=0.02e6)
    monkeypatch.setattr(resources, "total_memory", lambda device: int(0.99 * wide))
    with pytest.raises(InvalidInput, match=r"state in float32, .* give recovery\.distil\.state as bfloat16"):
        run_recipe(short("float32"), EVALUATION, output=tmp_path / "out")
    report = run_recipe(short("auto"), EVALUATION, output=tmp_path / "out")
    assert report.recovery is not None
    assert report.recovery.is_trained
    assert report.recovery.distil.state == "bfloat16"
    assert "with weights in bfloat16" in (tmp_path / "out" / "README.md").read_text()
