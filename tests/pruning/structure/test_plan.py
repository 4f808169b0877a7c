"""What a cut leaves: widths, configs, and families that are refused by name."""

from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.recipe import StructureOptions
from pruning.structure.plan import CutPlan
from tests.pruning.families import make

WIDE = {"hidden_size": 64, "intermediate_size": 1536, "num_attention_heads": 8, "num_key_value_heads": 4}


def plan_of(model: PreTrainedModel, **structure: Any) -> CutPlan:
    options = StructureOptions.model_validate(structure)
    return CutPlan.of(options, model, model.config.to_dict())


def kept(model: PreTrainedModel, **structure: Any) -> dict[str, tuple[int, int]]:
    return {plan.kind: (plan.requested, plan.kept) for plan in plan_of(model, **structure).plans}


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        ({"mlp_channels": 0.25}, (1152, 1152)),  # a multiple of 128, and 256 would move it by 8 %
        ({"mlp_channels": 0.34}, (1014, 1024)),  # a multiple of 256, 0.7 % away
        ({"mlp_channels": 0.31}, (1060, 1088)),  # a multiple of 64, 1.8 % away
        ({"mlp_channels": 0.25, "multiple_of": 512}, (1152, 1024)),
        ({"mlp_channels": 0.3, "multiple_of": 1}, (1075, 1075)),
        ({"mlp_channels": 333}, (1203, 1203)),  # a number is obeyed
    ],
    ids=str,
)
def test_widths_are_rounded(structure: dict[str, Any], expected: tuple[int, int]) -> None:
    with torch.device("meta"):
        model = make("llama", **WIDE)
    assert kept(model, **structure) == {"mlp_channels": expected}


def test_a_narrow_width_is_not_rounded() -> None:
    assert kept(make("llama"), mlp_channels=0.3) == {"mlp_channels": (45, 45)}


def test_groups_go_with_their_query_heads() -> None:
    plan = plan_of(make("llama"), kv_heads=1)
    changed = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
    assert {name: plan.config[name] for name in changed} == changed


def test_a_number_of_heads_unfit_for_the_config_is_refused_with_the_nearest() -> None:
    model = make("llama", num_attention_heads=8, num_key_value_heads=8)
    with pytest.raises(
        InvalidInput, match=r"refuses 5 heads for a hidden size of 32; .* can keep is 4"
    ) as error:
        plan_of(model, kv_heads=3)
    assert error.value.field == "structure.kv_heads"


@pytest.mark.parametrize(
    ("family", "structure", "reason"),
    [
        ("olmo2", {"kv_heads": 1}, "q_norm.weight would have the shape"),  # a norm over all heads
        ("opt", {"kv_heads": 1}, "OPTForCausalLM cannot lose kv_heads"),  # heads divide the hidden size
        ("gpt2", {"kv_heads": 1}, "no attention with separate queries"),
        ("bloom", {"mlp_channels": 0.5}, "no field for that"),
    ],
)
def test_families_that_cannot_lose_units_are_refused_by_name(
    family: str, structure: dict[str, Any], reason: str
) -> None:
    model = make(family)
    with pytest.raises(InvalidInput, match=reason) as error:
        plan_of(model, **structure)
    assert type(model).__name__ in str(error.value)
    assert error.value.field == f"structure.{next(iter(structure))}"


@pytest.mark.parametrize(("amount", "left"), [(64, 0), (0.999, 0), (0.001, 64)])
def test_what_leaves_nothing_or_all_is_refused(amount: float, left: int) -> None:
    with pytest.raises(InvalidInput, match=f"leaves {left}: .* from 1 to 63"):
        plan_of(make("llama"), mlp_channels=amount)


def parameters(model: PreTrainedModel) -> int:
    return sum(parameter.numel() for parameter in model.get_submodule("model.layers").parameters())


@pytest.mark.parametrize(("share", "kv_heads"), [(0.2, 2), (0.5, 1), (0.6, 1)])
def test_a_share_of_the_parameters_goes_as_whole_heads_first(share: float, kv_heads: int) -> None:
    model = make("llama")
    plan = plan_of(model, parameters=share)
    smaller = plan.smaller_skeleton(model)
    assert smaller.config.num_key_value_heads == kv_heads
    of_channel = 3 * 32 * 3  # gate, up and down in three blocks
    assert abs(parameters(model) * (1 - share) - parameters(smaller)) <= of_channel / 2


@pytest.mark.parametrize("share", [0.5, 0.6])
def test_in_a_mixture_the_rest_of_a_share_goes_as_experts(share: float) -> None:
    model = make("mixtral", num_local_experts=8)
    heads, experts = plan_of(model, parameters=share).plans
    assert (heads.kind, experts.kind) == ("kv_heads", "experts")
    smaller = plan_of(model, parameters=share).smaller_skeleton(model)
    assert smaller.config.num_local_experts == experts.kept
    of_expert = (3 * 32 * 64 + 32) * 3  # its three matrices and its row of the router, in three blocks
    assert abs(parameters(model) * (1 - share) - parameters(smaller)) <= of_expert / 2


def test_more_than_the_experts_that_may_go_have_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"more than the experts .* at most 0\.7") as error:
        plan_of(make("mixtral", num_local_experts=8), parameters=0.9)
    assert error.value.field == "structure.parameters"


def test_a_model_whose_heads_stay_loses_the_share_in_channels_alone() -> None:
    (plan,) = plan_of(make("gpt_neox"), parameters=0.3).plans
    assert plan.kind == "mlp_channels"


@pytest.mark.parametrize(
    ("structure", "reason"),
    [
        ({"parameters": 0.2, "multiple_of": 64}, r"of 64 MLP channels .* multiple of 64 .* all of them"),
        ({"parameters": 0.0001}, "64 of 64 MLP channels would be left; give a larger share$"),
    ],
    ids=["rounded", "tiny"],
)
def test_a_share_that_takes_nothing_out_is_refused(structure: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as error:
        plan_of(make("llama"), **structure)
    assert error.value.field == "structure.parameters"


def test_a_multiple_is_refused_where_a_share_is_taken_from_experts() -> None:
    with pytest.raises(InvalidInput, match="this model loses experts") as error:
        plan_of(make("mixtral"), parameters=0.3, multiple_of=16)
    assert error.value.field == "structure.multiple_of"


def test_more_than_there_is_is_refused() -> None:
    with pytest.raises(InvalidInput, match="give a share of at most 0") as error:
        plan_of(make("gpt_neox"), parameters=0.9)
    assert error.value.field == "structure.parameters"
