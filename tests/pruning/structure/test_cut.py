"""Cuts of small models of several families, through the disk, against the dense model with masked units."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel

from pruning.checkpoint.checkpoint import resolve
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.output.smaller import write_smaller
from pruning.recipe import ModelReference, StructureOptions
from pruning.runtime.copy_streams import DeviceTransfers
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from tests.pruning.families import five_windows, make
from tests.pruning.pruned import CutInMemory, cut_in_memory, gates_of
from tests.pruning.runs import tensors_of
from tests.pruning.structure.cuts import Cut, assert_close, logits_of

CUTS = {
    "llama": {"mlp_channels": 0.25, "kv_heads": 1},  # grouped queries
    "llama-tied": {"mlp_channels": 20, "kv_heads": 1},
    "qwen2": {"mlp_channels": 0.25, "kv_heads": 1},  # biases
    "qwen3": {"mlp_channels": 0.25, "kv_heads": 1},  # a norm in each head
    "phi3": {"mlp_channels": 0.25, "kv_heads": 1},  # fused query, key and value, and fused gate and up
    "gemma3": {"mlp_channels": 0.25, "kv_heads": 1},
    "cohere": {"mlp_channels": 0.25, "kv_heads": 1},  # attention and MLP in parallel
    "opt": {"mlp_channels": 0.25},  # no gate
    "gpt_neox": {"mlp_channels": 0.25},
    "gpt2": {"mlp_channels": 0.25},  # transposed matrices
    "gptj": {"mlp_channels": 0.25},
    "mixtral": {"kv_heads": 1},  # experts
    "qwen3_moe": {"kv_heads": 1},
}


MakeCut = Callable[..., Cut]


@pytest.fixture(name="cut")
def cut_fixture(tmp_path: Path) -> MakeCut:
    return lambda family, **structure: Cut(make(family, torch.float64), tmp_path, five_windows(), **structure)


@pytest.mark.parametrize("family", CUTS)
def test_the_smaller_model_equals_the_dense_one_with_the_units_masked(
    family: str, cut: MakeCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pruning.structure.cut.SHRINKAGE", 1e12)  # the repair changes next to nothing
    made = cut(family, **CUTS[family])
    dense = made.dense
    stack = find_stack(dense)
    for index in range(len(stack.blocks)):
        for plan, units in made.plan.on(stack).of_block(index):
            features = torch.ones(units.count, units.consumer.inputs // units.count)
            features[units.removed(made.kept(plan.kind, index))] = 0
            mask = features.flatten()
            units.consumer.module.register_forward_pre_hook(
                lambda _, args, mask=mask: (args[0] * mask.to(args[0].dtype),)
            )
    found = logits_of(made.loaded, five_windows())
    assert_close(found, logits_of(dense, five_windows()), 1e-10)
    assert (found - logits_of(made.dense, five_windows())).norm() > 1e-3 * found.norm()


@pytest.mark.parametrize("family", ["llama", "phi3", "gpt2", "mixtral"])
def test_after_a_repair_too(family: str, cut: MakeCut) -> None:
    made = cut(family, **CUTS[family])
    assert_close(logits_of(made.loaded, five_windows()), logits_of(made.in_memory, five_windows()), 1e-10)


def slices(dense: Mapping[str, Tensor], name: str, made: Cut) -> Tensor:
    """What is left of a tensor of a Llama, by hand: heads of 8 features, two queries to each key."""
    tensor, parts = dense[name], name.split(".")
    if "layers" not in parts or parts[-2] not in (
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    ):
        return tensor
    block, layer = int(parts[2]), parts[-2]
    if parts[3] == "mlp":
        kept = made.kept("mlp_channels", block).tolist()
        return tensor[:, kept] if layer == "down_proj" else tensor[kept]
    heads = made.kept("kv_heads", block).tolist()
    keys = [8 * head + feature for head in heads for feature in range(8)]
    queries = [16 * head + feature for head in heads for feature in range(16)]
    if layer == "o_proj":
        return tensor[:, queries]
    return tensor[queries if layer == "q_proj" else keys]


@pytest.mark.parametrize("family", ["llama", "llama-tied", "qwen2"])
def test_kept_weights_are_the_dense_models_bytes_except_for_repaired_ones(family: str, cut: MakeCut) -> None:
    made = cut(family, **CUTS[family])
    dense, smaller = tensors_of(made.dense_directory), tensors_of(made.directory)
    assert smaller.keys() == dense.keys()
    changed = {name for name, tensor in smaller.items() if not torch.equal(tensor, slices(dense, name, made))}
    assert {name.split(".")[-2] for name in changed} == {"o_proj", "down_proj"}
    assert len(changed) == 2 * made.checkpoint.config.num_hidden_layers
    assert all(name.endswith("weight") for name in changed)
    assert made.loaded.config.tie_word_embeddings == (family == "llama-tied")


def inputs_of(model: PreTrainedModel, layer: str, windows: Tensor) -> Tensor:
    seen: list[Tensor] = []
    module = model.get_submodule(layer)
    hook = module.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    logits_of(model, windows)
    hook.remove()
    return seen[0].flatten(0, 1)


def test_a_repair_is_the_ridge_solution_behind_what_is_cut_already(cut: MakeCut) -> None:
    made = cut("llama", **CUTS["llama"])
    model = made.dense
    stack = find_stack(model)
    for block in range(2):
        for _, units in made.plan.on(stack).of_block(block):
            name = units.consumer.name
            inputs = inputs_of(model, name, five_windows())
            moments = inputs.T @ inputs / len(five_windows())
            hessian = moments + 0.3 * moments.diagonal().diag()
            kept = units.slices[-1].positions(made.kept(units.kind, block))
            dense = units.consumer.matrix.clone()
            root = torch.linalg.cholesky(hessian)
            solved = torch.linalg.lstsq(root.T[:, kept], root.T @ dense.T).solution.T
            found = tensors_of(made.directory)[f"{name}.weight"]
            torch.testing.assert_close(found, solved, rtol=1e-7, atol=1e-9)
            units.consumer.matrix.zero_()
            units.consumer.matrix[:, kept] = found


def test_finished_blocks_are_not_cut_again_and_the_others_end_the_same(cut: MakeCut) -> None:
    whole = cut("llama", **CUTS["llama"])
    resumed = CutInMemory()
    resumed.put(0, whole.blocks[0])
    model = whole.dense
    stack = find_stack(model)
    steps: list[int] = []
    cut_blocks(
        stack,
        whole.plan.on(stack),
        five_windows(),
        gates_of(whole.dense, five_windows()),
        placement=Placement(model),
        blocks=resumed,
        step=lambda done, _: steps.append(done),
    )
    assert resumed[0] is whole.blocks[0]
    for block in range(3):
        assert all(
            torch.equal(resumed[block].kept[kind], kept) for kind, kept in whole.blocks[block].kept.items()
        )
        ours, theirs = resumed[block].weights, whole.blocks[block].weights
        assert all(torch.equal(ours[name], weight) for name, weight in theirs.items())


def test_a_model_in_several_files_stays_in_several(tmp_path: Path) -> None:
    model = make("llama")
    model.save_pretrained(tmp_path / "dense", max_shard_size="20KB")
    checkpoint = resolve(ModelReference(id=str(tmp_path / "dense")))
    assert len(checkpoint.weight_files) > 1
    options = StructureOptions(mlp_channels=0.5)
    plan = CutPlan.of(options, checkpoint.skeleton, checkpoint.config_values)
    blocks = cut_in_memory(model, plan, five_windows())
    (tmp_path / "smaller").mkdir()
    write_smaller(checkpoint, plan, blocks, tmp_path / "smaller")
    smaller = AutoModelForCausalLM.from_pretrained(tmp_path / "smaller")
    assert smaller.config.intermediate_size == 32
    windows = torch.arange(2, 18)[None]
    assert_close(logits_of(smaller, windows), logits_of(model, windows), 1e-5)
    written = resolve(ModelReference(id=str(tmp_path / "smaller")))
    assert written.weight_files == checkpoint.weight_files


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (("model.layers.3.eh_proj", "model.layers.3.mlp.up_proj"), "num_nextn_predict_layers"),  # GLM-4.5
        (("mtp.fc", "mtp.layers.0.mlp.up_proj"), "mtp_num_hidden_layers"),  # Qwen3.5
        (("model.mtp.layers.0.mlp.up_proj",), "num_mtp_layers"),  # Inkling
        (("model.mtp_block.0.mlp.up_proj", "model.mtp_emb_norm.0"), "num_nextn_predict_layers"),  # Ernie 4.5
    ],
)
def test_blocks_that_predict_further_tokens_are_left_out(
    names: tuple[str, ...], count: str, tmp_path: Path
) -> None:
    model, dense = make("llama"), tmp_path / "dense"
    model.save_pretrained(dense)
    tensors = load_file(dense / "model.safetensors")
    # A buffer of old files, which transformers does not load either.
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    further = {f"{name}.weight": torch.ones(3) for name in names}
    save_file(tensors | further, dense / "model.safetensors", {"format": "pt"})
    config = json.loads((dense / "config.json").read_text()) | {count: 1}
    (dense / "config.json").write_text(json.dumps(config))
    checkpoint = resolve(ModelReference(id=str(dense)))
    options = StructureOptions(mlp_channels=0.5)
    plan = CutPlan.of(options, checkpoint.skeleton, checkpoint.config_values)
    (tmp_path / "smaller").mkdir()
    write_smaller(checkpoint, plan, cut_in_memory(model, plan, five_windows()), tmp_path / "smaller")
    assert load_file(tmp_path / "smaller" / "model.safetensors").keys() == tensors.keys()
    assert json.loads((tmp_path / "smaller" / "config.json").read_text())[count] == 0


def read_config(directory: Path) -> dict[str, Any]:
    return dict(resolve(ModelReference(id=str(directory))).config_values)


def test_the_config_differs_in_what_was_cut_alone(cut: MakeCut) -> None:
    made = cut("llama", **CUTS["llama"])
    before, after = read_config(made.dense_directory), read_config(made.directory)
    different = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert different == {"intermediate_size", "num_attention_heads", "num_key_value_heads"}


def test_hidden_states_on_their_way_are_waited_for_when_a_cut_ends(
    cut: MakeCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[DeviceTransfers] = []

    class Watched(DeviceTransfers):
        def close(self) -> None:
            super().close()
            closed.append(self)

    monkeypatch.setattr("pruning.calibration.activation_walk.DeviceTransfers", Watched)
    cut("llama", **CUTS["llama"])
    assert len(closed) == 1
