"""Runs that cut a model and train what is left of it."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from pruning.errors import PruningError
from pruning.models.blocks import stack_of_layers
from pruning.pipeline import recover
from pruning.recipe import Recipe
from tests.pruning.families import make
from tests.pruning.runs import read_masks, run_recipe
from tests.pruning.structure.test_structured_run import DISTIL, EVALUATION, RECIPES, fast, recipe
from tests.pruning.tiny import save_checkpoint, tiny_llama
from tests.tiers import nightly

__all__ = ["fast"]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("tied", [False, nightly(True)])
@pytest.mark.parametrize("name", ["trained", nightly("mask, trained")])
def test_all_that_is_left_is_trained_towards_the_dense_model(name: str, tied: bool, tmp_path: Path) -> None:
    dense = save_checkpoint(tiny_llama(tie_word_embeddings=tied), tmp_path / "dense")
    asked = RECIPES[name] | {"dtype": "float32"}
    report = run_recipe(recipe(dense, **asked), EVALUATION, output=tmp_path / "out", save_masks=True)
    one_shot = recipe(dense, **asked | {"recovery": None})
    before = run_recipe(one_shot, EVALUATION, output=tmp_path / "before", save_masks=True)

    assert report.recovery is not None
    assert report.recovery.is_trained
    assert report.recovery.distil is not None
    assert report.recovery.distil.after < 0.95 * report.recovery.distil.before
    assert report.sparsity == before.sparsity
    assert report.perplexity.kl is not None
    assert before.perplexity.kl is not None
    assert report.perplexity.kl < before.perplexity.kl
    smaller, untrained = (
        AutoModelForCausalLM.from_pretrained(tmp_path / output).state_dict() for output in ("out", "before")
    )
    masks = read_masks(tmp_path / "out" / "masks.safetensors") if "mask" in name else {}
    for parameter, tensor in smaller.items():
        assert not torch.equal(tensor, untrained[parameter])
        if parameter in masks:
            assert torch.equal(tensor == 0, masks[parameter])
    assert torch.equal(smaller["lm_head.weight"], smaller["model.embed_tokens.weight"]) is tied
    card = (tmp_path / "out" / "README.md").read_text()
    assert "**trained**" in card
    assert "- trained\n" in card
    assert f"768 tokens of builtin; step {report.recovery.distil.kept_step} of 16" in card
    assert "dense model's" not in card.partition("| | |")[0]
    untrained_card = (tmp_path / "before" / "README.md").read_text()
    assert not re.search(r"\btrained\b", untrained_card)


@pytest.fixture(name="mixed", scope="module")
def first_block_without_experts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = make("qwen3_moe", torch.float32, num_hidden_layers=4, mlp_only_layers=[0])
    return save_checkpoint(model, tmp_path_factory.mktemp("mixed") / "model")


def mixed_recipe(model: Path) -> Recipe:
    distil = {**DISTIL, "tokens": 144}
    return recipe(
        model,
        dtype="float32",
        structure={"experts": 1},
        method="wanda",
        pattern="2:4",
        recovery={"distil": distil},
    )


def test_masks_stay_in_blocks_of_other_kinds_than_the_first(mixed: Path, tmp_path: Path) -> None:
    report = run_recipe(mixed_recipe(mixed), EVALUATION, output=tmp_path / "out", save_masks=True)
    assert report.structure is not None
    assert {of_block.block for of_block in report.structure.blocks} == {1, 2, 3}
    assert report.recovery is not None
    assert report.recovery.is_trained
    written, masks = (
        load_file(tmp_path / "out/model.safetensors"),
        read_masks(tmp_path / "out/masks.safetensors"),
    )
    assert sum(map(torch.count_nonzero, masks.values())) == sum(one.zeros for one in report.sparsity.layers)
    for name, mask in masks.items():
        assert torch.equal(written[name] == 0, mask), name


def test_a_training_that_fills_pruned_weights_is_not_written(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recover, "stack_of_layers", lambda model, names: stack_of_layers(model, frozenset()))
    with pytest.raises(PruningError, match=r"layers\.0\..*weights that were pruned.*not written"):
        run_recipe(mixed_recipe(mixed), EVALUATION, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_tied_head_that_is_stored_too_is_trained_with_the_embeddings(tmp_path: Path) -> None:
    dense = save_checkpoint(tiny_llama(tie_word_embeddings=True), tmp_path / "dense")
    tensors = load_file(dense / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, dense / "model.safetensors", {"format": "pt"})
    report = run_recipe(recipe(dense, **RECIPES["trained"]), EVALUATION, output=tmp_path / "out")
    assert report.recovery is not None
    assert report.recovery.is_trained
    written = load_file(tmp_path / "out" / "model.safetensors")
    assert torch.equal(written["lm_head.weight"], written["model.embed_tokens.weight"])
    assert not torch.equal(written["lm_head.weight"], tensors["lm_head.weight"])
