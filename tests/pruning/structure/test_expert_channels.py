"""MLP channels taken out of the experts of small models of several families, against masked experts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.errors import InvalidInput
from pruning.models.blocks import find_stack
from pruning.models.layers import ExpertLayer
from pruning.recipe import StructureOptions
from pruning.structure.mlp_channels import ExpertChannels
from pruning.structure.plan import CutPlan
from pruning.structure.units import consumers
from tests.pruning.families import UNREACHED_EXPERTS, five_windows, make, with_unreached_experts
from tests.pruning.pruned import cut_in_memory
from tests.pruning.structure.cuts import Cut, assert_close, load, logits_of
from tests.pruning.structure.exact import exactly
from tests.pruning.structure.test_experts import MODELS, moe_of
from tests.pruning.structure.test_gates import gates_of

WIDTHS = {
    "mixtral": "intermediate_size",
    "qwen2_moe": "moe_intermediate_size",  # a shared expert next to them stays
    "qwen3_moe": "moe_intermediate_size",
    "gpt_oss": "intermediate_size",  # transposed and interleaved, with biases
}


def cut(family: str, directory: Path, windows: Tensor, **structure: object) -> Cut:
    """Cut a quarter of the channels of a mixture's experts."""
    return Cut(MODELS[family](), directory, windows, **{"mlp_channels": 0.25, **structure})


def kept_by_expert(made: Cut, block: int) -> list[list[int]]:
    """The channels that each expert of a block has left."""
    width = made.plan.plans[-1].dense
    by_expert: dict[int, list[int]] = {}
    for channel in made.kept("mlp_channels", block).tolist():
        by_expert.setdefault(channel // width, []).append(channel % width)
    return [by_expert[expert] for expert in sorted(by_expert)]


@pytest.mark.parametrize("family", WIDTHS)
def test_the_smaller_model_equals_the_dense_one_with_the_channels_masked(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pruning.structure.cut.SHRINKAGE", 1e12)  # the repair changes next to nothing
    made = cut(family, tmp_path, five_windows())
    twin = load(made.dense_directory)
    for block in made.blocks_that_lost("mlp_channels"):
        experts = moe_of(twin, block).experts
        for expert, kept in enumerate(kept_by_expert(made, block)):
            stored = experts.down_proj.data[expert]
            matrix = stored.T if experts.is_transposed else stored
            gone = sorted(set(range(matrix.shape[1])) - set(kept))
            assert len(gone) == made.plan.plans[-1].dense - made.plan.plans[-1].kept > 0
            matrix[:, gone] = 0
    smaller = load(made.directory)
    assert getattr(smaller.config, WIDTHS[family]) == made.plan.plans[-1].kept
    found = logits_of(smaller, five_windows())
    assert_close(found, logits_of(twin, five_windows()), 1e-10)
    assert (found - logits_of(load(made.dense_directory), five_windows())).norm() > 1e-3 * found.norm()


@pytest.mark.parametrize(("family", "others"), [("qwen3_moe", {"kv_heads": 1}), ("gpt_oss", {})])
def test_after_a_repair_and_without_some_experts_too(
    family: str, others: dict[str, int], tmp_path: Path
) -> None:
    made = cut(family, tmp_path, five_windows(), experts=2, **others)
    found, expected = (logits_of(model, five_windows()) for model in (load(made.directory), made.in_memory))
    assert_close(found, expected, 1e-10)


def test_kept_weights_are_the_dense_models_bytes_except_for_repaired_ones(tmp_path: Path) -> None:
    made = cut("qwen3_moe", tmp_path, five_windows())
    dense, smaller = (
        load_file(path / "model.safetensors") for path in (made.dense_directory, made.directory)
    )
    assert smaller.keys() == dense.keys()
    for name, tensor in dense.items():
        parts = name.split(".")
        expected = tensor
        if "experts" in parts:  # in files, each expert has tensors of its own
            if parts[6] == "down_proj":
                continue
            expected = tensor[kept_by_expert(made, int(parts[2]))[int(parts[5])]]
        assert torch.equal(smaller[name], expected), name


def naive_gates(model: Any, block: int, windows: Tensor) -> Mapping[int, Tensor]:
    """By autograd on explicit factors in an expert written by hand: (windows, channels) of each expert."""
    experts = moe_of(model, block).experts
    count, width = experts.num_experts, experts.down_proj.shape[2]
    factors = torch.ones(count, width, dtype=torch.float64, requires_grad=True)

    def forward(hidden: Tensor, chosen: Tensor, shares: Tensor) -> Tensor:
        total = torch.zeros_like(hidden)
        for token in range(len(hidden)):
            for place, expert in enumerate(chosen[token].tolist()):
                gate, up = (experts.gate_up_proj[expert] @ hidden[token]).chunk(2)
                inner = F.silu(gate) * up * factors[expert]
                total[token] += shares[token, place] * (experts.down_proj[expert] @ inner)
        return total

    experts.forward = forward
    rows = []
    for window in windows:
        logits = model(input_ids=window[None], use_cache=False).logits[0]
        rows.append(torch.autograd.grad(F.cross_entropy(logits[:-1], window[1:]), factors)[0])
    return {expert: torch.stack([row[expert] for row in rows]) for expert in range(count)}


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
def test_gates_of_experts_are_autograds(schedule: ScheduleChoice, tmp_path: Path) -> None:
    def dense() -> Any:
        model = exactly(make("mixtral", torch.float64))
        model.set_experts_implementation("eager")
        return model.requires_grad_(False)

    model = dense()
    assert len([layer for layer in consumers(model) if isinstance(layer, ExpertLayer)]) == 3 * 4
    found = gates_of(model, five_windows(), schedule, tmp_path)
    for expert, expected in naive_gates(dense(), 1, five_windows()).items():
        gates = found[f"model.layers.1.mlp.experts.{expert}.down_proj"]
        assert expected.norm() > 0
        assert (gates - expected).norm() <= 1e-10 * expected.norm()


def test_experts_that_no_token_reaches_lose_their_smallest_channels() -> None:
    model = exactly(with_unreached_experts().double())
    model.set_experts_implementation("eager")
    options = StructureOptions(mlp_channels=8)
    plan = CutPlan.of(options, model, model.config.to_dict())
    stack = find_stack(model)
    before = {own.name: own.matrix.clone() for own in consumers(model)}
    blocks = cut_in_memory(model, plan, five_windows())
    name = UNREACHED_EXPERTS[0]
    block, expert = int(name.split(".")[2]), int(name.rpartition(".")[2])
    assert "saw no token: their channels are ranked by magnitude" in blocks[block].warnings[-1]
    (units,) = (own for _, own in plan.on(stack).of_block(block))
    assert isinstance(units, ExpertChannels)
    own = units.experts[expert]
    experts = moe_of(model, block).experts
    squares = experts.gate_up_proj[expert].square().sum(dim=1).view(2, -1).sum(dim=0)
    squares += before[own.consumer.name].square().sum(dim=0)
    kept = squares.argsort()[8:].sort().values
    left = blocks[block].kept["mlp_channels"]
    assert torch.equal(left[left // 24 == expert] % 24, kept)
    assert torch.equal(own.consumer.matrix[:, kept], before[own.consumer.name][:, kept])  # not repaired


@pytest.mark.parametrize("family", WIDTHS)
def test_experts_are_as_wide_as_the_grouped_product_of_16_bits_takes(family: str) -> None:
    with torch.device("meta"):
        dense = make(family, **{WIDTHS[family]: 40})
    values = dense.config.to_dict()
    (plan,) = CutPlan.of(StructureOptions(mlp_channels=0.3), dense, values).plans
    assert (plan.requested, plan.kept) == (28, 24)
    smaller = make(family, torch.bfloat16, **{WIDTHS[family]: 24})
    assert smaller(input_ids=five_windows()).logits.isfinite().all()
    for options in ({"mlp_channels": 12}, {"mlp_channels": 0.3, "multiple_of": 4}):
        with pytest.raises(
            InvalidInput, match=r"28 would be left, and .* multiple of 8; .* it can keep is 24"
        ) as refused:
            CutPlan.of(StructureOptions.model_validate(options), dense, values)
        assert refused.value.field == "structure.mlp_channels"


def test_shared_experts_whose_width_the_config_derives_are_refused_by_name() -> None:
    model = MODELS["deepseek"]()
    with pytest.raises(InvalidInput, match=r"DeepseekV3ForCausalLM cannot lose mlp_channels.*shared_experts"):
        CutPlan.of(StructureOptions(mlp_channels=0.5), model, model.config.to_dict())
