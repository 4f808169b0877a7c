"""Whole runs with `structure`: the smaller checkpoint, its report, and runs that are killed."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from bench.workload.models import perplexity
from pruning.errors import InvalidInput
from pruning.pipeline import recover
from pruning.pipeline import structure as stages
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.report import Report
from pruning.resume.store import ActivationCheckpoint, DirectoryResumeStore
from pruning.structure import cut
from pruning.structure.results import numbers_in
from pruning.structure.scores import gate_scores
from tests.pruning.pruned import ignore_steps
from tests.pruning.runs import Steps, contents, die, run_recipe
from tests.pruning.tiny import save_checkpoint, tiny_llama
from tests.tiers import nightly

pytestmark = pytest.mark.slow

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=2, speed="off")
CALIBRATION = {"dataset": "builtin", "samples": 3, "sequence_length": 24}
STRUCTURE = {"mlp_channels": 0.25, "kv_heads": 1}
DISTIL = {"tokens": 768, "tokens_per_step": 48}
# Of so few steps: twenty times the usual rate.
FAST = 0.01
RECIPES: dict[str, dict[str, Any]] = {
    "structure": {"structure": STRUCTURE},
    "structure and mask": {"structure": STRUCTURE, "method": "gblm", "sparsity": 0.5},
    "masks by inputs": {
        "structure": {"mlp_channels": 0.25},
        "method": "wanda",
        "sparsity": 0.5,
    },
    "wanda": {
        "structure": {"parameters": 0.3, "multiple_of": 8},
        "method": "wanda",
        "pattern": "2:4",
    },
    "trained": {"structure": STRUCTURE, "recovery": {"distil": DISTIL}},
    "mask, trained": {
        "structure": STRUCTURE,
        "method": "wanda",
        "sparsity": 0.5,
        "refit": True,
        "recovery": {"distil": DISTIL},
    },
}


@pytest.fixture(scope="module", autouse=True)
def fast() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recover, "RATE", FAST)
        yield


@pytest.fixture(name="model", scope="module")
def four_blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tiny_llama(num_hidden_layers=4), tmp_path_factory.mktemp("structure") / "model")


def recipe(model: Path, **fields: Any) -> Recipe:
    return Recipe.model_validate({"model": str(model), "calibration": CALIBRATION, **fields})


def test_the_result_is_a_smaller_model_that_loads_as_any_other(model: Path, tmp_path: Path) -> None:
    report = run_recipe(recipe(model, structure=STRUCTURE), EVALUATION, output=tmp_path / "out")
    smaller, loading = AutoModelForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(loading.values())
    config = smaller.config
    assert (config.intermediate_size, config.num_attention_heads, config.num_key_value_heads) == (48, 2, 1)
    assert config.head_dim == 8
    windows = torch.arange(2, 98).view(2, 48)
    measured = perplexity(smaller, windows, step=ignore_steps)
    dense = perplexity(AutoModelForCausalLM.from_pretrained(model), windows, step=ignore_steps)
    assert measured != pytest.approx(dense, rel=1e-3)
    tokenizers = (AutoTokenizer.from_pretrained(path) for path in (model, tmp_path / "out"))
    assert len({tuple(tokenizer("def f(x): return x")["input_ids"]) for tokenizer in tokenizers}) == 1
    for name in ("generation_config.json", "tokenizer.json"):
        assert (tmp_path / "out" / name).read_bytes() == (model / name).read_bytes()
    written = Report.model_validate_json((tmp_path / "out" / "pruning_report.json").read_text())
    assert written == report
    assert report.sparsity.overall == 0
    assert [stage.name for stage in report.stages] == ["resolve", "gradients", "cut", "evaluate"]


def test_the_report_says_what_is_left(model: Path, tmp_path: Path) -> None:
    report = run_recipe(recipe(model, structure=STRUCTURE), EVALUATION, output=tmp_path / "out")
    facts = report.structure
    assert facts is not None
    smaller, dense = (AutoModelForCausalLM.from_pretrained(path) for path in (tmp_path / "out", model))
    assert facts.parameters == sum(parameter.numel() for parameter in smaller.parameters())
    assert facts.dense_parameters == sum(parameter.numel() for parameter in dense.parameters())
    assert facts.bytes == (tmp_path / "out" / "model.safetensors").stat().st_size
    of_blocks = [
        sum(parameter.numel() for parameter in net.get_submodule("model.layers").parameters())
        for net in (smaller, dense)
    ]
    assert facts.block_share == pytest.approx(1 - of_blocks[0] / of_blocks[1])
    assert facts.left == "1 of 2 KV heads, 48 of 64 MLP channels in each block"
    assert facts.dense_bytes == (model / "model.safetensors").stat().st_size
    assert {unit.kind: (unit.dense, unit.requested, unit.kept) for unit in facts.units} == {
        "kv_heads": (2, 1, 1),
        "mlp_channels": (64, 48, 48),
    }
    assert len(facts.blocks) == 8
    for block in facts.blocks:
        if block.kind == "mlp_channels":
            kept = numbers_in(block.kept, below=64)
            name = f"model.layers.{block.block}.mlp.up_proj.weight"
            assert torch.equal(smaller.state_dict()[name], dense.state_dict()[name][kept])
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"{facts.parameters:,} of {facts.dense_parameters:,}" in card
    assert "48 of 64" in card
    assert "zeros" not in card


def test_norms_of_weights_replace_no_gates(model: Path, tmp_path: Path) -> None:
    said: list[str] = []
    store = DirectoryResumeStore(tmp_path / "resume", report=said.append)
    wanted = recipe(model, **RECIPES["structure and mask"])
    run_recipe(wanted, EVALUATION, output=tmp_path / "out", schedule="streamed", resume_store=store)
    assert said == []


def test_what_is_left_can_be_masked(model: Path, tmp_path: Path) -> None:
    report = run_recipe(
        recipe(model, **RECIPES["wanda"]), EVALUATION, output=tmp_path / "out", save_masks=True
    )
    smaller = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert report.sparsity.overall == pytest.approx(0.5)
    for layer in report.sparsity.layers:
        weight = smaller.get_submodule(layer.name).weight
        assert tuple(weight.shape) == layer.shape
        assert int((weight == 0).sum()) == layer.zeros
        assert ((weight.view(len(weight), -1, 4) != 0).sum(dim=2) <= 2).all()
    assert report.structure is not None
    assert report.structure.parameters < report.structure.dense_parameters


@pytest.fixture(name="uninterrupted", scope="module")
def uninterrupted_runs(
    model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[dict[str, str], list[Stage]]]:
    known: dict[str, tuple[dict[str, str], list[Stage]]] = {}

    def of(name: str) -> tuple[dict[str, str], list[Stage]]:
        if name not in known:
            output, progress = tmp_path_factory.mktemp("whole") / "out", Steps()
            run_recipe(
                recipe(model, **RECIPES[name]),
                EVALUATION,
                output=output,
                progress=progress,
                schedule="streamed",
            )
            known[name] = contents(output), [stage for stage, *_ in progress.seen]
        return known[name]

    return of


@pytest.mark.parametrize(
    ("name", "stage", "which"),
    [
        ("structure and mask", "cut", 0.5),
        ("structure and mask", "prune", 0.5),
        nightly("structure and mask", "gradients", 0.5),
        nightly("structure and mask", "evaluate", 0.5),
        nightly("trained", "recover", 0.5),
    ],
)
def test_a_run_that_is_killed_in_any_stage_ends_with_the_same_bytes(
    name: str,
    stage: str,
    which: float,
    model: Path,
    tmp_path: Path,
    uninterrupted: Callable[[str], tuple[dict[str, str], list[Stage]]],
) -> None:
    expected, steps = uninterrupted(name)
    places = [number for number, seen in enumerate(steps, start=1) if seen == stage]
    at, output, state = places[int(which * len(places))], tmp_path / "out", tmp_path / "state"
    options: dict[str, Any] = {"output": output, "schedule": "streamed"}
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            run_recipe(
                recipe(model, **RECIPES[name]),
                EVALUATION,
                progress=Steps(after=at, end=die),
                resume_store=DirectoryResumeStore(state),
                **options,
            )
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    run_recipe(
        recipe(model, **RECIPES[name]),
        EVALUATION,
        resume_store=DirectoryResumeStore(state),
        **options,
    )
    assert contents(output) == expected


def test_finished_stages_leave_no_activations_on_the_disk(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, save = set[str](), ActivationCheckpoint.save

    def watched(checkpoint: ActivationCheckpoint, block: int, tensors: Mapping[str, Tensor]) -> None:
        save(checkpoint, block, tensors)
        saved.update(path.parent.name for path in tmp_path.rglob("activations-*"))

    monkeypatch.setattr(ActivationCheckpoint, "save", watched)
    wanted, store = recipe(model, **RECIPES["structure and mask"]), DirectoryResumeStore(tmp_path / "state")
    run_recipe(wanted, EVALUATION, output=tmp_path / "out", resume_store=store, schedule="streamed")
    assert saved == {"gradients", "cut", "prune"}
    assert not [*tmp_path.rglob("activations*")]


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["structure and mask", "masks by inputs"])
def test_what_was_computed_on_another_cut_is_not_used_again(
    name: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"schedule": "streamed"}
    wanted, store = recipe(model, **RECIPES[name]), tmp_path / "state"
    run_recipe(
        wanted, EVALUATION, output=tmp_path / "first", resume_store=DirectoryResumeStore(store), **options
    )
    # The cut is lost, and made again with the units in another order, as if the gates had other last bits.
    shutil.rmtree(store / "cut")
    monkeypatch.setattr(cut, "gate_scores", lambda gates, width: 1 / (1e-12 + gate_scores(gates, width)))
    run_recipe(
        wanted, EVALUATION, output=tmp_path / "again", resume_store=DirectoryResumeStore(store), **options
    )
    run_recipe(wanted, EVALUATION, output=tmp_path / "afresh", **options)
    first, again, afresh = (contents(tmp_path / output) for output in ("first", "again", "afresh"))
    assert first["model.safetensors"] != afresh["model.safetensors"]
    assert again == afresh


def test_what_was_computed_on_the_same_cut_is_used_again(model: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"schedule": "streamed"}
    wanted, store = recipe(model, **RECIPES["structure and mask"]), tmp_path / "state"
    run_recipe(
        wanted, EVALUATION, output=tmp_path / "first", resume_store=DirectoryResumeStore(store), **options
    )
    shards = [path for stage in ("gradients", "prune", "evaluate") for path in (store / stage).glob("*.*")]
    written = {path: path.stat().st_mtime_ns for path in shards if "-gates" not in path.name}
    shutil.rmtree(store / "cut")
    run_recipe(
        wanted, EVALUATION, output=tmp_path / "again", resume_store=DirectoryResumeStore(store), **options
    )
    assert contents(tmp_path / "again") == contents(tmp_path / "first")
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_a_cut_that_computes_something_else_is_refused_by_name(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "_smaller_logits", lambda *_: torch.zeros(1, 16, 384))
    with pytest.raises(InvalidInput, match=r"LlamaForCausalLM cannot be cut: .*other logits") as error:
        run_recipe(recipe(model, **RECIPES["structure"]), EVALUATION, output=tmp_path / "out")
    assert error.value.field == "structure"
    assert not (tmp_path / "out").exists()


def test_tokens_that_both_models_rule_out_are_equal() -> None:
    logits = torch.tensor([[1.0, 2.0, -1e4], [1.0, 2.0, -torch.inf]])
    assert stages.relative_difference(logits[1], logits[1]) == 0
    assert not stages.relative_difference(logits[0], logits[1]) <= 1


def test_a_pattern_must_fit_what_is_left(model: Path, tmp_path: Path) -> None:
    fields = {"structure": {"mlp_channels": 9}, "method": "wanda", "pattern": "2:4"}
    with pytest.raises(InvalidInput, match="does not divide the 55 inputs") as error:
        run_recipe(recipe(model, **fields), EVALUATION, output=tmp_path / "out")
    assert error.value.field == "pattern"
