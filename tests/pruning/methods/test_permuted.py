"""Permuted models compute what the dense ones do; masks, against those of models reordered by hand."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM, BitNetConfig, BitNetForCausalLM, PreTrainedModel

from pruning.checkpoint.checkpoint import resolve
from pruning.checkpoint.layout import StoredLayout
from pruning.errors import InvalidInput
from pruning.estimate import work
from pruning.estimate.work import Windows
from pruning.methods.permutation import find_channels, put_in_order, refuse_unwritable
from pruning.methods.results import Pruned
from pruning.models.blocks import find_stack, prunable_stack
from pruning.models.memory import shape_of
from pruning.output.writer import write_model
from pruning.recipe import ModelReference, Recipe
from tests.pruning.families import five_windows, make
from tests.pruning.pruned import pruned_by
from tests.pruning.structure.cuts import logits_of
from tests.pruning.structure.exact import exactly, make_exact

HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
# Which kinds of channels can be moved.
BOTH = ("value_channels", "mlp_channels")
FAMILIES = {
    "llama": BOTH,  # grouped queries, gated MLP
    "qwen2": BOTH,  # biases
    "qwen3": BOTH,  # a norm in each head of queries and keys
    "phi3": BOTH,  # fused query, key and value, and fused gate and up
    "cohere": BOTH,  # attention and MLP in parallel
    "gemma2": BOTH,
    "opt": BOTH,  # no gate, and biases
    "gptj": BOTH,
    "gpt2": ("mlp_channels",),  # transposed matrices
    "falcon": ("mlp_channels",),  # queries, keys and values interleaved
    "mixtral": ("value_channels",),  # experts
}


def recipe_of(**fields: Any) -> Recipe:
    return Recipe.model_validate(
        {"model": "/any", "method": "wanda", "pattern": "2:4", "permute": True, **fields}
    )


def with_all_values_random(model: PreTrainedModel) -> PreTrainedModel:
    """Give biases and norms values, too: a fresh model's are all zero and one."""
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data += torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype) / 4
    return model


@pytest.mark.parametrize("family", FAMILIES)
def test_in_any_order_the_dense_model_computes_the_same(family: str) -> None:
    model = with_all_values_random(make_exact(family))
    expected = logits_of(model, five_windows())
    dense = {name: parameter.clone() for name, parameter in model.named_parameters()}
    stack, generator, moved = prunable_stack(model, recipe_of()), torch.Generator().manual_seed(4), set()
    for block, found in zip(stack.blocks, find_channels(stack, recipe_of()), strict=True):
        assert tuple(channels.kind for channels in found.found) == FAMILIES[family]
        assert {kind for kind, _ in found.reasons} == set(BOTH) - set(FAMILIES[family])
        for channels in found.found:
            sets, _, count = channels.places[0].positions.shape
            orders = channels.orders([torch.randperm(count, generator=generator) for _ in range(sets)])
            put_in_order(block, orders)
            moved |= orders.keys()
    found_logits = logits_of(model, five_windows())
    assert (found_logits - expected).abs().max() <= 1e-10
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, dense[name]) == (name not in moved)
    assert {name.rpartition(".")[2] for name in moved} >= {"weight"}
    has_biases = any(name.endswith(("up_proj.bias", "fc1.bias")) for name in dense)
    assert has_biases == any(name.endswith(("up_proj.bias", "fc1.bias")) for name in moved)


def numbers(text: str) -> Tensor:
    return torch.tensor([int(number) for number in text.split(",")])


def reordered_by_hand(model: PreTrainedModel, result: Pruned) -> PreTrainedModel:
    """Reorder a dense Llama as the report says: heads of 8 channels, two query heads for each value head."""
    for found in result.reordered:
        block, order = model.model.layers[found.block], numbers(found.order)
        if found.kind == "mlp_channels":
            for layer in (block.mlp.gate_proj, block.mlp.up_proj):
                layer.weight.data = layer.weight.data[order]
            block.mlp.down_proj.weight.data = block.mlp.down_proj.weight.data[:, order]
        else:
            block.self_attn.v_proj.weight.data = block.self_attn.v_proj.weight.data[order]
            columns = torch.cat([
                (order[8 * group : 8 * group + 8] - 8 * group) + 8 * head
                for head in range(4)
                for group in [head // 2]
            ])  # fmt: skip
            block.self_attn.o_proj.weight.data = block.self_attn.o_proj.weight.data[:, columns]
    return model


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"method": "gblm", "order": "layers"},
        {"method": "magnitude", "pattern": "1:4"},
        {"method": "wanda", "swaps": 100},
        {"method": "sparsegpt"},
        {"method": "best"},
    ],
)
def test_masks_are_those_of_the_model_reordered_by_hand(fields: dict[str, Any]) -> None:
    recipe = recipe_of(**fields)
    model = make_exact("llama", num_hidden_layers=2)
    result = pruned_by(recipe, model, five_windows())
    assert [(order.block, order.kind) for order in result.reordered] == [
        (block, kind) for block in (0, 1) for kind in BOTH
    ]
    assert not result.left_in_order

    by_hand = reordered_by_hand(make_exact("llama", num_hidden_layers=2), result)
    plain = recipe.model_copy(update={"permute": False})
    expected = pruned_by(plain, by_hand, five_windows())
    found, masks = result.masks, expected.masks
    assert found.keys() == masks.keys()
    for name, mask in masks.items():
        assert torch.equal(found[name], mask), name
    for one, other in zip(model.parameters(), by_hand.parameters(), strict=True):
        assert torch.allclose(one, other, rtol=1e-6, atol=1e-9)


def test_the_pattern_keeps_more_of_the_scores() -> None:
    model = make_exact("llama", num_hidden_layers=1)
    mlp = model.model.layers[0].mlp
    mlp.down_proj.weight.data[:, 8:16] *= 30  # two groups of four of which all matter
    weight = mlp.down_proj.weight.detach().clone()
    inputs: list[Tensor] = []
    hook = mlp.down_proj.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    logits_of(model, five_windows())
    hook.remove()
    result = pruned_by(recipe_of(), model, five_windows())
    _, found = result.reordered
    scores = weight.abs() * inputs[0].flatten(0, 1).norm(dim=0)

    def share(order: Tensor) -> float:
        kept = scores[:, order].view(len(scores), -1, 4).topk(2, dim=2).values
        return float(kept.sum() / scores.sum())

    assert found.kept_before == pytest.approx(share(torch.arange(64)))
    assert found.kept_after == pytest.approx(share(numbers(found.order)))
    assert found.kept_after > found.kept_before + 0.15
    large = torch.isin(numbers(found.order), torch.arange(8, 16))
    assert int(large.view(-1, 4).sum(1).max()) == 1


@pytest.mark.parametrize("family", ["llama-tied", "phi3", "gpt2", "opt", "qwen2"])
@pytest.mark.parametrize("method", ["wanda", "best"])
def test_the_checkpoint_is_in_the_new_order(family: str, method: str, tmp_path: Path) -> None:
    with_all_values_random(make(family)).save_pretrained(tmp_path / "dense")
    checkpoint = resolve(ModelReference(id=str(tmp_path / "dense")))
    model = checkpoint.load(torch.float32, torch.device("cpu"))
    recipe = recipe_of(method=method)
    result = pruned_by(recipe, model, five_windows())
    (tmp_path / "out").mkdir()
    write_model(checkpoint, result, tmp_path / "out", save_masks=False)
    found = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    for one, other in zip(model.parameters(), found.parameters(), strict=True):
        assert torch.equal(one, other)
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("dense", "out"))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before if name.endswith("bias")) == (
        family in ("gpt2", "opt", "qwen2")
    )
    if method == "wanda":  # each value is the dense model's, or zero
        for name, dense in before.items():
            gone = int((after[name] == 0).sum() - (dense == 0).sum())
            values = after[name].flatten().sort().values
            assert set(values[values != 0].tolist()) <= set(dense.flatten().tolist())
            assert gone in (0, dense.numel() // 2)


def test_kept_values_are_those_of_the_file_whatever_the_computation_rounds(tmp_path: Path) -> None:
    make("llama").save_pretrained(tmp_path / "dense")
    checkpoint = resolve(ModelReference(id=str(tmp_path / "dense")))
    model = checkpoint.load(torch.bfloat16, torch.device("cpu"))
    result = pruned_by(recipe_of(dtype="bfloat16"), model, five_windows())
    assert len(result.reordered) == 6
    (tmp_path / "out").mkdir()
    write_model(checkpoint, result, tmp_path / "out", save_masks=False)
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("dense", "out"))
    down = "model.layers.1.mlp.down_proj.weight"
    order = next(numbers(one.order) for one in result.reordered if (one.block, one.kind) == (1, BOTH[1]))
    assert torch.equal(after[down], before[down][:, order].masked_fill(result.masks[down], 0))


def bitnet() -> BitNetForCausalLM:
    """Make a model with a norm between the channels and the layer that reads them."""
    config = BitNetConfig(
        vocab_size=384, hidden_size=32, intermediate_size=64, num_hidden_layers=2, **HEADS, pad_token_id=None
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BitNetForCausalLM(config).double().eval()
    with_all_values_random(model)
    return exactly(model)


def test_channels_whose_order_makes_a_difference_are_put_back_and_named() -> None:
    model, dense = bitnet(), bitnet()
    result = pruned_by(recipe_of(), model, five_windows())
    assert not result.reordered
    assert [(left.block, left.kind) for left in result.left_in_order] == [
        (block, kind) for block in (0, 1) for kind in BOTH
    ]
    assert {left.reason for left in result.left_in_order} == {"the block's outputs differ in another order"}
    masks = result.masks
    for (name, found), weight in zip(model.named_parameters(), dense.parameters(), strict=True):
        assert torch.equal(found, weight.masked_fill(masks[name], 0) if name in masks else weight)


def test_what_is_not_known_is_left_alone_and_said() -> None:
    result = pruned_by(recipe_of(), make_exact("mixtral"), five_windows())
    assert {order.kind for order in result.reordered} == {"value_channels"}
    assert [(left.block, left.kind) for left in result.left_in_order] == [
        (block, "mlp_channels") for block in range(3)
    ]
    assert "split into experts" in result.left_in_order[0].reason


def test_a_head_that_the_groups_do_not_divide_stays() -> None:
    result = pruned_by(recipe_of(pattern="8:16"), make_exact("llama"), five_windows())
    assert {order.kind for order in result.reordered} == {"mlp_channels"}
    assert result.left_in_order[0].reason == "16 does not divide their number, 8"


@pytest.mark.parametrize(
    ("family", "fields", "reason"),
    [
        ("gpt2", {"layers": {"include": ["*.attn.*"]}}, "value_channels: no attention with queries"),
        ("llama", {"layers": {"include": ["*q_proj"]}}, "no layer that reads some is pruned"),
    ],
)
def test_a_model_without_channels_to_move_is_refused_by_name(
    family: str, fields: dict[str, Any], reason: str
) -> None:
    model = make(family)
    with pytest.raises(InvalidInput, match=f"{type(model).__name__} has no channels .*{reason}") as error:
        pruned_by(recipe_of(**fields), model, five_windows())
    assert error.value.field == "permute"


def test_a_checkpoint_that_holds_another_order_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("llama").to("meta")
    layout = StoredLayout(model, dict(model.state_dict()))
    stack = prunable_stack(model, recipe_of())
    refuse_unwritable(stack, recipe_of(), layout)

    def backwards(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: tensor.flip(0) for name, tensor in tensors.items()}

    monkeypatch.setattr(layout, "to_stored", backwards)
    with pytest.raises(InvalidInput, match=r"v_proj.weight in another shape or order"):
        refuse_unwritable(stack, recipe_of(), layout)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pattern": "unstructured", "sparsity": 0.5}, "only an N:M pattern depends on the order"),
        ({"method": None, "structure": {"mlp_channels": 2}, "pattern": "unstructured"}, "name a method"),
    ],
)
def test_it_is_refused_without_a_pattern(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        recipe_of(**fields)


def test_the_estimate_counts_a_pass_and_the_distances() -> None:
    shape = shape_of(find_stack(make("llama")), stored_dtype="float32")
    windows = Windows(4, 24)
    plain, permuted = (work.pruning(recipe_of(permute=on), shape, windows) for on in (False, True))
    once = work.forward(shape, windows)
    assert permuted.operations == plain.operations + once.operations
    # Four rounds; in each, for each of 4 places, distances between 16 channels of 32 rows; 4 bytes each.
    assert permuted.traffic - plain.traffic == 3 * 4 * 4 * 16 * 16 * 32 * 4


def test_what_a_recipe_says_of_it() -> None:
    plain, permuted = recipe_of(permute=False), recipe_of()
    assert not permuted.computes_weights
    assert permuted.fingerprint() != plain.fingerprint()
    assert recipe_of(method="magnitude").reads_text
