"""Experts taken out of small models of several families, against a router that avoids them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM, PreTrainedModel

from pruning.errors import InvalidInput, NumericalFailure
from pruning.recipe import StructureOptions
from pruning.structure.experts import kept_experts
from pruning.structure.plan import CutPlan
from tests.pruning.families import UNREACHED_EXPERTS, five_windows, make, with_unreached_experts
from tests.pruning.pruned import cut_in_memory
from tests.pruning.structure.cuts import Cut, assert_close, load, logits_of
from tests.pruning.structure.exact import exactly


def deepseek(**overrides: object) -> PreTrainedModel:
    """Make a random DeepSeek-V3: eight experts in two groups, of which a token gets one; with corrections."""
    settings: dict[str, Any] = {
        "vocab_size": 384,
        "hidden_size": 32,
        "intermediate_size": 64,
        "moe_intermediate_size": 24,
        "num_hidden_layers": 3,
        "first_k_dense_replace": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "n_routed_experts": 8,
        "num_experts_per_tok": 2,
        "n_group": 2,
        "topk_group": 1,
        "q_lora_rank": 16,
        "kv_lora_rank": 16,
        "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 8,
        "v_head_dim": 8,
        "initializer_range": 0.2,
        "tie_word_embeddings": False,
        **overrides,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = DeepseekV3ForCausalLM(DeepseekV3Config(**settings)).double().eval()
        for name, buffer in model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                buffer.copy_(0.1 * torch.randn(buffer.shape))
    model.set_experts_implementation("eager")
    return model


MODELS: dict[str, Callable[..., PreTrainedModel]] = {
    "mixtral": lambda **more: make("mixtral", torch.float64, num_local_experts=6, **more),
    "qwen2_moe": lambda **more: make("qwen2_moe", torch.float64, num_experts=6, **more),
    "qwen3_moe": lambda **more: make("qwen3_moe", torch.float64, num_experts=6, **more),
    "gpt_oss": lambda **more: make("gpt_oss", torch.float64, num_local_experts=6, **more),
    "deepseek": deepseek,
}
COUNTS = {
    "mixtral": "num_local_experts",
    "qwen2_moe": "num_experts",
    "qwen3_moe": "num_experts",
    "gpt_oss": "num_local_experts",
    "deepseek": "n_routed_experts",
}


def moe_of(model: PreTrainedModel, block: int) -> Any:
    return model.get_submodule(f"model.layers.{block}").mlp


def router_of(moe: Any) -> Any:
    return moe.gate if hasattr(moe, "gate") else moe.router


def naive_scores(model: PreTrainedModel, block: int, windows: Tensor) -> Tensor:
    """By hooks: what the router says, and each expert's own MLP on the tokens that it is sent."""
    moe = moe_of(model, block)
    seen: list[tuple[Tensor, Tensor, Tensor]] = []
    hook = moe.experts.register_forward_hook(lambda _, args, __: seen.append(args))
    logits_of(model, windows)
    hook.remove()
    ((hidden, chosen, shares),) = seen
    scores = []
    for expert in range(moe.experts.num_experts):
        terms = [
            float(share) * one_expert(moe.experts, expert, hidden[token]).norm().item()
            for token in range(len(hidden))
            for place, share in zip(chosen[token].tolist(), shares[token], strict=True)
            if place == expert
        ]
        scores.append(sum(terms) / len(terms) if terms else 0.0)
    return torch.tensor(scores, dtype=torch.float64)


def one_expert(experts: Any, expert: int, token: Tensor) -> Tensor:
    if experts.is_transposed:  # GPT-OSS: biases, gate and up interleaved
        both = token @ experts.gate_up_proj[expert] + experts.gate_up_proj_bias[expert]
        gate, up = both[0::2].clamp(max=7.0), both[1::2].clamp(-7.0, 7.0)
        inner = (up + 1) * gate * torch.sigmoid(1.702 * gate)
        return inner @ experts.down_proj[expert] + experts.down_proj_bias[expert]
    gate, up = (experts.gate_up_proj[expert] @ token).chunk(2)
    return experts.down_proj[expert] @ (F.silu(gate) * up)


@pytest.mark.parametrize("family", MODELS)
def test_the_experts_left_are_those_with_the_largest_weighted_outputs(family: str, tmp_path: Path) -> None:
    made = Cut(MODELS[family](), tmp_path, five_windows(), experts=2)
    count = made.plan.plans[0].dense
    first = made.blocks_that_lost("experts")[0]  # behind it, the inputs are those of a model that is cut
    scores = naive_scores(load(made.dense_directory), first, five_windows())
    groups = scores.view(2, -1) if family == "deepseek" else scores[None]
    lowest = (
        groups.argsort(dim=1)[:, : 2 // len(groups)] + torch.arange(len(groups))[:, None] * groups.shape[1]
    )
    assert made.kept("experts", first).tolist() == sorted(set(range(count)) - set(lowest.flatten().tolist()))


def avoiding(model: PreTrainedModel, block: int, kept: Sequence[int]) -> None:
    """Write the router of a family anew, with logits of -∞ for the experts that are gone."""
    router = router_of(moe_of(model, block))
    gone = [expert for expert in range(len(router.weight)) if expert not in kept]

    def forward(hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = hidden.reshape(-1, hidden.shape[-1])
        corrected = hasattr(router, "e_score_correction_bias")
        logits = hidden @ router.weight.T.double()
        if hasattr(router, "bias"):
            logits = logits + router.bias
        logits[:, gone] = -torch.inf
        if corrected:  # DeepSeek: two groups, of which a token gets one
            scores = logits.sigmoid()
            choice = scores + router.e_score_correction_bias
            choice[:, gone] = -torch.inf
            best = choice.view(len(hidden), 2, -1).topk(2).values.sum(-1).argmax(-1)
            choice.view(len(hidden), 2, -1)[torch.arange(len(hidden)), 1 - best] = -torch.inf
            chosen = choice.topk(2).indices
            shares = scores.gather(1, chosen)
            return (
                logits,
                shares / (shares.sum(-1, keepdim=True) + 1e-20) * router.routed_scaling_factor,
                chosen,
            )
        if hasattr(router, "bias"):  # GPT-OSS: among the chosen alone
            best_logits, chosen = logits.topk(router.top_k)
            return logits, best_logits.softmax(-1), chosen
        shares, chosen = logits.float().softmax(-1).topk(router.top_k)
        if getattr(router, "norm_topk_prob", True):
            shares = shares / shares.sum(-1, keepdim=True)
        return logits, shares.to(logits.dtype), chosen

    router.forward = forward


class _WideRouters(TorchFunctionMode):
    """Let DeepSeek's router, which casts to float32 by `type`, compute in float64."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.type and args[1:] == (torch.float32,):
            return args[0].double()
        return func(*args, **(kwargs or {}))


def exact_logits(model: PreTrainedModel, windows: Tensor) -> Tensor:
    with _WideRouters():
        return logits_of(model, windows)


@pytest.mark.parametrize("family", MODELS)
def test_the_smaller_model_equals_a_dense_one_that_routes_around_the_experts(
    family: str, tmp_path: Path
) -> None:
    made = Cut(MODELS[family](), tmp_path, five_windows(), experts=2)
    twin = load(made.dense_directory)
    for block in made.blocks_that_lost("experts"):
        avoiding(twin, block, made.kept("experts", block).tolist())
    smaller = load(made.directory)
    found = exact_logits(smaller, five_windows())
    assert_close(found, exact_logits(twin, five_windows()), 1e-10)
    assert_close(found, exact_logits(made.in_memory, five_windows()), 1e-10)
    assert (found - exact_logits(load(made.dense_directory), five_windows())).norm() > 1e-3 * found.norm()
    assert getattr(smaller.config, COUNTS[family]) == made.plan.plans[0].kept
    tokens = smaller.generate(five_windows()[:1], max_new_tokens=4, do_sample=False)
    assert tokens.shape == (1, five_windows().shape[1] + 4)


@pytest.mark.parametrize("family", ["mixtral", "qwen3_moe", "gpt_oss", "deepseek"])
def test_what_is_left_is_the_dense_models_byte_for_byte(family: str, tmp_path: Path) -> None:
    made = Cut(MODELS[family](), tmp_path, five_windows(), experts=2)
    dense, smaller = (
        load_file(path / "model.safetensors") for path in (made.dense_directory, made.directory)
    )
    expected, with_experts = {}, made.blocks_that_lost("experts")
    for name, tensor in dense.items():
        parts = name.split(".")
        block = int(parts[2]) if "layers" in parts else -1
        kept = made.kept("experts", block).tolist() if block in with_experts else []
        if not kept or not {"experts", "gate", "router"} & set(parts) or "shared_experts" in parts:
            expected[name] = tensor
        elif "experts" in parts and parts[parts.index("experts") + 1].isdecimal():
            place = parts.index("experts") + 1
            if int(parts[place]) in kept:
                parts[place] = str(kept.index(int(parts[place])))
                expected[".".join(parts)] = tensor
        else:
            expected[name] = tensor[kept]
    assert smaller.keys() == expected.keys()
    assert all(torch.equal(smaller[name], tensor) for name, tensor in expected.items())


def test_experts_that_no_token_reaches_go_first() -> None:
    model = exactly(with_unreached_experts().double())
    model.set_experts_implementation("eager")
    options = StructureOptions(experts=3)
    plan = CutPlan.of(options, model, model.config.to_dict())
    blocks = cut_in_memory(model, plan, five_windows(), {})
    unreached = {int(name.rpartition(".")[2]) for name in UNREACHED_EXPERTS}
    for block in (1, 2):
        left = set(blocks[block].kept["experts"].tolist())
        assert set(range(8)) - unreached <= left
        assert len(left) == 5
        assert "1 of the experts left of model.layers" in blocks[block].warnings[0]


def test_groups_of_experts_stay_equal() -> None:
    scores = torch.tensor([9.0, 8.0, 7.0, 6.0, 1.0, 2.0, 3.0, 4.0])
    assert kept_experts(scores, 4, 2).tolist() == [0, 1, 6, 7]
    assert kept_experts(scores, 4, 1).tolist() == [0, 1, 2, 3]
    assert kept_experts(torch.zeros(4), 3, 1).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("family", "config", "amount", "reason"),
    [
        ("mixtral", {}, 5, "of 6, 1 would be left, and each token goes to 2; the nearest number .* is 2"),
        ("deepseek", {}, 1, "of 8, 7 would be left, and its 2 groups have as many experts each; .* is 6"),
        ("deepseek", {}, 6, "of 8, 2 would be left, and 2 must be found in 1 of 2 groups; .* is 4"),
        ("deepseek", {"topk_group": 2}, 6, "of 8, 2 would be left, .* their two best experts; .* is 4"),
    ],
)
def test_an_expert_count_unfit_for_the_router_is_refused_with_the_nearest(
    family: str, config: dict[str, int], amount: int, reason: str
) -> None:
    model = MODELS[family](**config)
    with pytest.raises(InvalidInput, match=reason) as error:
        CutPlan.of(StructureOptions(experts=amount), model, model.config.to_dict())
    assert error.value.field == "structure.experts"


@pytest.mark.parametrize(
    ("family", "share", "kept"), [("mixtral", 0.4, 4), ("deepseek", 0.4, 4), ("mixtral", 0.8, 2)]
)
def test_a_share_is_rounded_to_what_the_router_can_work_with(family: str, share: float, kept: int) -> None:
    model = MODELS[family]()
    (plan,) = CutPlan.of(StructureOptions(experts=share), model, model.config.to_dict()).plans
    assert plan.kept == kept


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_model_without_experts_is_refused_by_name(family: str) -> None:
    model = make(family)
    with pytest.raises(InvalidInput, match=f"{type(model).__name__} cannot lose experts: its blocks have no"):
        CutPlan.of(StructureOptions(experts=1), model, model.config.to_dict())


def test_a_router_of_an_unknown_name_is_refused_by_name() -> None:
    model = make("mixtral")
    for block in model.get_submodule("model.layers"):
        moe = block.get_submodule("mlp")
        moe.chooser = moe.gate
        del moe.gate
    with pytest.raises(InvalidInput, match=r"the router of model\.layers\.0 is not known by its name"):
        CutPlan.of(StructureOptions(experts=1), model, model.config.to_dict())


def test_outputs_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    del tmp_path
    model = make("mixtral", torch.float64)
    experts: nn.Module = moe_of(model, 1).experts
    experts.get_parameter("down_proj").data[:] = 1e308
    options = StructureOptions(experts=1)
    plan = CutPlan.of(options, model, model.config.to_dict())
    with pytest.raises(NumericalFailure):
        cut_in_memory(model, plan, five_windows(), {})
