"""Whole blocks taken out of small models of several families, through the disk, against the dense model."""

import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.errors import InvalidInput, NumericalFailure
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.output.smaller import write_shorter
from pruning.pipeline.structure import relative_difference
from pruning.recipe import ModelReference, StructureOptions
from pruning.structure.depth import DepthPlan, Drop, choose_blocks
from tests.pruning.families import five_windows, make
from tests.pruning.structure.cuts import assert_close, load, logits_of
from tests.pruning.structure.exact import exactly
from tests.pruning.structure.test_experts import deepseek

SLIDING, FULL = "sliding_attention", "full_attention"
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"num_hidden_layers": 5},
    "llama-tied": {"num_hidden_layers": 5},
    "gpt2": {"n_layer": 5},
    "gemma3": {"num_hidden_layers": 5, "layer_types": [SLIDING, FULL, SLIDING, SLIDING, FULL]},
    # Experts in blocks 1, 3 and 4, as separate tensors in the file; the config names the other blocks.
    "qwen3_moe": {"num_hidden_layers": 5, "mlp_only_layers": [0, 2]},
}


def skipping(model: PreTrainedModel, gone: Sequence[int]) -> PreTrainedModel:
    """Let blocks return what they are given."""
    for index in gone:
        block = find_stack(model).blocks[index].module

        def forward(hidden_states: Tensor, *_: object, **__: object) -> Tensor:
            return hidden_states

        block.forward = forward
    return model


def log_probabilities(model: PreTrainedModel, windows: Tensor) -> Tensor:
    return logits_of(model, windows).log_softmax(dim=-1)


def naively(family: str, windows: Tensor, count: int) -> list[tuple[int, float]]:
    """Leave each block out in turn, ask the whole model each time, and keep the best; then again."""
    dense = log_probabilities(fresh(family), windows)
    gone: list[tuple[int, float]] = []
    for _ in range(count):
        before = [block for block, _ in gone]
        divergences = {}
        for block in sorted(set(range(5)) - set(before)):
            found = log_probabilities(skipping(fresh(family), [*before, block]), windows)
            divergences[block] = float((dense.exp() * (dense - found)).sum(dim=-1).mean())
        gone.append(min(divergences.items(), key=lambda pair: pair[1]))
    return gone


def fresh(family: str) -> PreTrainedModel:
    return exactly(make(family, torch.float64, **FAMILIES[family]))


def chosen(
    family: str, windows: Tensor, keep: int, earlier: Sequence[Drop] = ()
) -> tuple[list[int], list[Drop]]:
    model, drops = fresh(family), list(earlier)
    left = choose_blocks(
        find_stack(model), windows, keep, placement=Placement(model), earlier=earlier, found=drops.append
    )
    return left, drops


@pytest.mark.parametrize("family", FAMILIES)
def test_the_blocks_are_those_of_a_loop_over_whole_models(family: str) -> None:
    left, drops = chosen(family, five_windows(), 2)
    expected = naively(family, five_windows()[:4], 3)
    assert [drop.block for drop in drops] == [block for block, _ in expected]
    for drop, (_, divergence) in zip(drops, expected, strict=True):
        assert drop.divergence == pytest.approx(divergence, rel=1e-8)
    assert left == sorted(set(range(5)) - {drop.block for drop in drops})


def test_a_choice_that_was_interrupted_ends_the_same() -> None:
    left, drops = chosen("llama", five_windows(), 2)
    again, further = chosen("llama", five_windows(), 2, drops[:1])
    assert again == left
    assert further == drops
    assert chosen("llama", five_windows(), 2, drops) == (left, drops)


def test_a_model_without_finite_predictions_is_refused() -> None:
    model = make("llama", **FAMILIES["llama"])
    model.get_parameter("lm_head.weight").data.fill_(torch.inf)
    with pytest.raises(NumericalFailure, match="predictions without one of the blocks are not finite"):
        choose_blocks(
            find_stack(model), five_windows(), 4, placement=Placement(model), earlier=(), found=lambda _: None
        )


def test_a_token_that_the_model_rules_out_changes_no_choice() -> None:
    windows = five_windows().clamp(max=382)
    model = make("gptj", torch.float64)
    with torch.no_grad():
        model.get_parameter("lm_head.bias")[383] = -1e4  # a probability of 0 as well, in float64
    impossible = copy.deepcopy(model)
    with torch.no_grad():
        impossible.get_parameter("lm_head.bias")[383] = -torch.inf
    drops: list[list[Drop]] = [[], []]
    for one, found in zip((model, impossible), drops, strict=True):
        choose_blocks(find_stack(one), windows, 1, placement=Placement(one), earlier=(), found=found.append)
    assert [drop.block for drop in drops[0]] == [drop.block for drop in drops[1]]
    assert [drop.divergence for drop in drops[1]] == pytest.approx([drop.divergence for drop in drops[0]])
    logits = [logits_of(one, windows) for one in (model, impossible)]
    assert relative_difference(logits[1], logits[1]) == 0
    assert not relative_difference(logits[0], logits[1]) <= 1


class Shorter:
    """A model of a family with some of its blocks, written."""

    def __init__(self, family: str, directory: Path, kept: Sequence[int], **saving: object) -> None:
        self.dense, self.directory = directory / "dense", directory / "shorter"
        make(family, torch.float64, **FAMILIES[family]).save_pretrained(self.dense, **saving)
        self.checkpoint: Checkpoint = resolve(ModelReference(id=str(self.dense)))
        self.kept, self.gone = kept, sorted(set(range(5)) - set(kept))
        options = StructureOptions(blocks=len(self.gone))
        plan = DepthPlan.of(options, self.checkpoint.skeleton, self.checkpoint.config_values)
        plan.refuse_unbuildable(kept)
        self.directory.mkdir()
        write_shorter(self.checkpoint, plan.config(kept), kept, self.directory)

    def config(self, directory: Path) -> dict[str, Any]:
        return dict(json.loads((directory / "config.json").read_text()))


MakeShorter = Callable[..., Shorter]


@pytest.fixture(name="shorter")
def shorter_fixture(tmp_path: Path) -> MakeShorter:
    return lambda family, kept, **saving: Shorter(family, tmp_path, kept, **saving)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kept", [[0, 2, 4], [1, 2, 3], [3, 4]], ids=str)
def test_the_shorter_model_equals_the_dense_one_without_the_blocks(
    family: str, kept: list[int], shorter: MakeShorter
) -> None:
    made = shorter(family, kept)
    found = logits_of(load(made.directory), five_windows())
    expected = logits_of(skipping(load(made.dense), made.gone), five_windows())
    assert_close(found, expected, 1e-10)
    assert (found - logits_of(load(made.dense), five_windows())).norm() > 1e-3 * found.norm()


@pytest.mark.parametrize(("family", "prefix"), [("llama", "model.layers"), ("gpt2", "transformer.h")])
def test_what_is_left_is_the_dense_models_byte_for_byte(
    family: str, prefix: str, shorter: MakeShorter
) -> None:
    made = shorter(family, [0, 2, 4])
    dense, found = (load_file(path / "model.safetensors") for path in (made.dense, made.directory))
    expected = {}
    for name, tensor in dense.items():
        if not name.startswith(prefix):
            expected[name] = tensor
            continue
        block, rest = name.removeprefix(f"{prefix}.").split(".", 1)
        if int(block) in made.kept:
            expected[f"{prefix}.{int(block) // 2}.{rest}"] = tensor
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_lists_and_numbers_of_blocks_are_cut_alike(shorter: MakeShorter, tmp_path: Path) -> None:
    made = shorter("gemma3", [1, 2, 4])
    config = made.config(made.directory)
    assert config["num_hidden_layers"] == 3
    assert config["layer_types"] == [FULL, SLIDING, FULL]
    (tmp_path / "other").mkdir()
    moe = Shorter("qwen3_moe", tmp_path / "other", [1, 2, 4])
    assert moe.config(moe.directory)["mlp_only_layers"] == [1]


def test_a_number_of_first_blocks_counts_those_that_are_left() -> None:
    model = deepseek(num_hidden_layers=5, first_k_dense_replace=2)  # the others have experts
    config = model.config.to_dict()
    plan = DepthPlan.of(StructureOptions(blocks=2), model, config)
    for kept, first in (([0, 1, 4], 2), ([1, 3, 4], 1), ([2, 3, 4], 0)):
        assert plan.config(kept)["first_k_dense_replace"] == first
        plan.refuse_unbuildable(kept)
        kinds = [type(block.mlp).__name__ for block in plan.skeleton(kept).get_submodule("model.layers")]
        assert kinds == ["DeepseekV3MLP"] * first + ["DeepseekV3MoE"] * (3 - first)


def test_a_list_that_only_the_config_class_knows_is_written() -> None:
    model = make("gemma3", **FAMILIES["gemma3"])
    without = {name: value for name, value in model.config.to_dict().items() if name != "layer_types"}
    plan = DepthPlan.of(StructureOptions(blocks=2), model, without)
    assert plan.config([1, 2, 4])["layer_types"] == [FULL, SLIDING, FULL]
    plan.refuse_unbuildable([1, 2, 4])


def test_the_config_differs_in_what_was_cut_alone(shorter: MakeShorter) -> None:
    made = shorter("llama", [0, 1, 4])
    before, after = made.config(made.dense), made.config(made.directory)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == {
        "num_hidden_layers"
    }


def test_a_model_in_several_files_loses_those_of_which_nothing_is_left(shorter: MakeShorter) -> None:
    made = shorter("llama", [0, 4], max_shard_size="20KB")
    written = resolve(ModelReference(id=str(made.directory)))
    assert 1 < len(written.weight_files) < len(made.checkpoint.weight_files)
    assert sorted(path.name for path in made.directory.glob("*.safetensors")) == sorted(written.weight_files)
    index = json.loads((made.directory / "model.safetensors.index.json").read_text())
    tensors = {name: file for file in written.weight_files for name in load_file(made.directory / file)}
    assert index["weight_map"] == tensors
    sizes = [
        tensor.nbytes for file in written.weight_files for tensor in load_file(made.directory / file).values()
    ]
    assert index["metadata"]["total_size"] == sum(sizes)
    expected = logits_of(skipping(load(made.dense), made.gone), five_windows())
    assert_close(logits_of(load(made.directory), five_windows()), expected, 1e-10)


def test_a_further_block_that_is_not_loaded_stays_behind_the_last(tmp_path: Path) -> None:
    make("llama", **FAMILIES["llama"]).save_pretrained(tmp_path / "dense")
    path = tmp_path / "dense" / "model.safetensors"
    tensors = load_file(path)
    tensors["model.layers.5.extra.weight"] = torch.ones(3)
    save_file(tensors, path, {"format": "pt"})
    checkpoint = resolve(ModelReference(id=str(tmp_path / "dense")))
    plan = DepthPlan.of(StructureOptions(blocks=2), checkpoint.skeleton, checkpoint.config_values)
    (tmp_path / "out").mkdir()
    write_shorter(checkpoint, plan.config([0, 1, 3]), [0, 1, 3], tmp_path / "out")
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert torch.equal(found["model.layers.3.extra.weight"], torch.ones(3))
    assert {name.split(".")[2] for name in found if name.startswith("model.layers")} == set("0123")


@pytest.mark.parametrize(("amount", "left", "nearest"), [(5, 0, 1), (9, -4, 1), (0.95, 0, 1), (0.05, 5, 4)])
def test_a_number_that_leaves_none_or_all_is_refused_with_the_nearest(
    amount: float, left: int, nearest: int
) -> None:
    model = make("llama", **FAMILIES["llama"])
    with pytest.raises(InvalidInput, match=f"5 blocks, .* leaves {left}: .* can stay is {nearest}$") as error:
        DepthPlan.of(StructureOptions(blocks=amount), model, model.config.to_dict())
    assert error.value.field == "structure.blocks"


@pytest.mark.parametrize(("amount", "kept"), [(0.3, 4), (0.5, 2), (1, 4), (4, 1)])
def test_a_share_is_rounded_to_whole_blocks(amount: float, kept: int) -> None:
    model = make("llama", **FAMILIES["llama"])
    assert DepthPlan.of(StructureOptions(blocks=amount), model, model.config.to_dict()).kept == kept


@pytest.mark.parametrize("gone", [1, 2, 4])
def test_a_family_whose_config_cannot_say_what_is_left_is_refused_by_name(gone: int) -> None:
    # Every second block has experts, counted from the first: without one block the others change places.
    model = make("qwen3_moe", num_hidden_layers=8, decoder_sparse_step=2, mlp_only_layers=[])
    with pytest.raises(
        InvalidInput, match="Qwen3MoeForCausalLM cannot lose blocks: its config cannot say"
    ) as error:
        DepthPlan.of(StructureOptions(blocks=gone), model, model.config.to_dict())
    assert error.value.field == "structure.blocks"
    plan = DepthPlan.of(StructureOptions(blocks=1), make("llama"), make("llama").config.to_dict())
    plan.refuse_unbuildable([0, 2])
