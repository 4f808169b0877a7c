"""Runs that train after pruning: report, files, zeros, refusals, and how they resume."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedModel

from pruning.errors import InvalidInput
from pruning.masks.packed import read_masks
from pruning.methods.results import PrunedBlock, StoredBlocks
from pruning.pipeline import recover, resources
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.recovery import distil
from pruning.recovery.final_states import FinalStates
from pruning.report import Report
from pruning.resume.store import DirectoryResumeStore
from pruning.runtime import process_memory
from tests.pruning.evaluation.test_cache import InMemoryPerplexityCache
from tests.pruning.runs import run_recipe
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
    output, progress = tmp_path_factory.mktemp("undisturbed") / "out", StopAt()
    report = run_recipe(recipe(model), EVALUATION, output=output, save_masks=True, progress=progress)
    steps += [(done, total) for stage, done, total in progress.seen if stage == Stage.RECOVER]
    return output, report


class StopAt:
    """Ends a run at a step of its recovery."""

    def __init__(self, done: int = -1) -> None:
        self.done, self.seen = done, list[tuple[Stage, int, int]]()

    def stage_started(self, stage: Stage, steps: int) -> None: ...

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        self.seen.append((stage, done, steps))
        if (stage, done) == (Stage.RECOVER, self.done):
            raise InterruptedError

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None: ...


def test_a_trained_model_is_closer_to_the_dense_one_and_says_that_it_is_trained(
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


def test_runs_on_one_model_and_text_share_what_the_dense_model_computes(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, computed = InMemoryPerplexityCache(), list[int]()
    find = FinalStates.of

    def counted(
        states: FinalStates, first: int, tokens: Tensor, compute: Callable[[Tensor], Tensor]
    ) -> Tensor:
        def counting(of: Tensor) -> Tensor:
            computed.append(len(of))
            return compute(of)

        return find(states, first, tokens, counting)

    monkeypatch.setattr(FinalStates, "of", counted)
    reports = {}
    for name, sparsity, shared in (("first", 0.4, cache), ("alone", 0.6, None), ("later", 0.6, cache)):
        del computed[:]
        options = {} if shared is None else {"perplexity_cache": shared}
        wanted = recipe(model, sparsity=sparsity)
        reports[name] = run_recipe(wanted, EVALUATION, output=tmp_path / name, **options)
        # 64 windows to train on, and 16 that are judged nine times.
        assert sum(computed) == (0 if name == "later" else 80)
    assert (reports["later"].recovery, reports["later"].perplexity) == (
        reports["alone"].recovery,
        reports["alone"].perplexity,
    )
    files = [tmp_path / name / "model.safetensors" for name in ("alone", "later")]
    assert files[0].read_bytes() == files[1].read_bytes()


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
def test_the_steps_of_the_stage_are_its_micro_batches(steps: list[tuple[int, int]]) -> None:
    # 32 steps of one micro-batch, and nine judgements of 16 windows, two at a time.
    assert steps == [(done, 104) for done in range(1, 105)]


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
                resume_store=DirectoryResumeStore(store), progress=StopAt(done),
            )  # fmt: skip
    last = StopAt()
    report = run_recipe(
        recipe(model), EVALUATION, output=tmp_path / "out", save_masks=True,
        resume_store=DirectoryResumeStore(store), progress=last,
    )  # fmt: skip
    assert report.recovery == undisturbed[1].recovery
    assert report.perplexity == undisturbed[1].perplexity
    for name in ("model.safetensors", "masks.safetensors"):
        assert (tmp_path / "out" / name).read_bytes() == (undisturbed[0] / name).read_bytes()
    first = next(done for stage, done, _ in last.seen if stage == Stage.RECOVER)
    assert first > 8  # not from the beginning again
    # A row for each saved state, so that the job's losses are counted anew.
    assert len(list((store / "recover").glob("step-*.json"))) > len(stops)


def test_a_run_that_is_stopped_after_its_training_does_not_train_again(
    model: Path, undisturbed: tuple[Path, Report], tmp_path: Path
) -> None:
    class StopInEvaluation(StopAt):
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
    again = StopAt()
    report = run_recipe(
        recipe(model), EVALUATION, output=tmp_path / "out", resume_store=store, progress=again
    )
    assert [(done, total) for stage, done, total in again.seen if stage == Stage.RECOVER] == [(104, 104)]
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


KILLED = """
import sys
from pathlib import Path
from pruning.recovery import distil
from pruning.resume.store import SaveThrottle
from pruning.pipeline import recover
from tests.pruning.pipeline.test_recovered_run import EVALUATION, FAST, recipe
from tests.pruning.runs import run_recipe
from pruning.resume.store import DirectoryResumeStore
import torch
torch.set_num_threads(1)
distil._SAVE_INTERVAL = 0.0
SaveThrottle.is_due = lambda throttle, size: True
recover.RATE = FAST
class Print:
    def stage_started(self, stage, steps): ...
    def stage_finished(self, stage, seconds, peak_memory_bytes): ...
    def step_finished(self, stage, done, steps):
        print(stage, done, flush=True)
model, output, store = map(Path, sys.argv[1:])
run_recipe(recipe(model), EVALUATION, output=output, save_masks=True,
           resume_store=DirectoryResumeStore(store), progress=Print())
"""


@pytest.mark.nightly
def test_a_training_that_is_killed_again_and_again_ends_with_the_same_bytes(
    model: Path, undisturbed: tuple[Path, Report], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(model), str(tmp_path / "out"), str(tmp_path / "resume")]
    kills = iter((17, 70))
    for _ in range(10):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert process.stdout is not None
        at = next(kills, None)
        for line in process.stdout:
            stage, done = line.split()
            if at is not None and stage == "recover" and int(done) >= at:
                time.sleep(0.02)  # so that it dies between two lines, or while it saves
                process.send_signal(signal.SIGKILL)
                break
        if process.wait(timeout=120) == 0:
            break
    assert process.returncode == 0
    assert next(kills, None) is None
    for name in ("model.safetensors", "masks.safetensors"):
        assert (tmp_path / "out" / name).read_bytes() == (undisturbed[0] / name).read_bytes()


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


def test_the_rate_of_a_layer_is_relative_to_its_weights_and_divided_by_the_share_that_it_keeps(
    tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recover, "RATE", 5e-4)
    one_step = {"tokens": 256, "tokens_per_step": 256}
    wanted = recipe(tiny_llama_dir, method="magnitude", allocation="owl", recovery={"distil": one_step})
    report = run_recipe(wanted, EVALUATION, output=tmp_path / "out")
    run_recipe(wanted.model_copy(update={"recovery": None}), EVALUATION, output=tmp_path / "one-shot")
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("one-shot", "out"))
    # The first step of Adam is the rate, wherever the gradient is not so small as its ε.
    moved = {name: float((after[name] - tensor).abs().max()) for name, tensor in before.items()}
    sparsities = {f"{layer.name}.weight": layer.sparsity for layer in report.sparsity.layers}
    assert len(set(sparsities.values())) > 3
    for name, distance in moved.items():
        trained = name in sparsities or "norm" in name
        size = float(before[name].square().mean().sqrt())
        expected = 5e-4 * size / (1 - sparsities.get(name, 0.0)) if trained else 0.0
        assert distance == pytest.approx(expected, rel=1e-3, abs=1e-7), name


def test_a_model_that_the_memory_cannot_train_is_refused_before_anything_is_computed(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "host_memory", lambda: 100_000)
    progress = StopAt()
    with pytest.raises(InvalidInput, match=r"needs [0-9.]+ MB of memory, and cpu has 100 kB") as caught:
        run_recipe(recipe(model), EVALUATION, output=tmp_path / "out", progress=progress)
    assert caught.value.field == "recovery.distil"
    assert progress.seen == []
    assert process_memory.host_memory() > 100_000

    # With moments in 8 bits there is room in less, which the refusal says.
    assert "moments as 8-bit" not in str(caught.value)
    least = float(re.search(r"needs ([0-9.]+) MB", str(caught.value))[1])  # type: ignore[index]  # matched above
    monkeypatch.setattr(resources, "host_memory", lambda: int(0.99e6 * least))
    with pytest.raises(InvalidInput, match=r"give recovery\.distil\.moments as 8-bit"):
        run_recipe(recipe(model), EVALUATION, output=tmp_path / "out")
    short = recipe(model, recovery={"distil": {**DISTIL, "tokens": 256, "moments": "8-bit"}})
    report = run_recipe(short, EVALUATION, output=tmp_path / "out")
    assert report.recovery is not None
    assert report.recovery.is_trained
    assert "with Adam's moments in 8 bits" in (tmp_path / "out" / "README.md").read_text()


def test_tied_embeddings_are_left_as_they_are(
    tiny_llama: Callable[..., LlamaForCausalLM],
    save_checkpoint: Callable[[PreTrainedModel, Path], Path],
    tmp_path: Path,
) -> None:
    directory = save_checkpoint(tiny_llama(tie_word_embeddings=True), tmp_path / "tied")
    wanted = recipe(directory, recovery={"distil": {**DISTIL, "tokens": 128}})
    report = run_recipe(wanted, EVALUATION, output=tmp_path / "out")
    assert report.recovery is not None
    assert report.recovery.is_trained
    before, after = (load_file(path / "model.safetensors") for path in (directory, tmp_path / "out"))
    assert torch.equal(before["model.embed_tokens.weight"], after["model.embed_tokens.weight"])
