"""The training of routers alone, against plain autograd on a copy of the model."""

import copy
from collections.abc import Callable

import pytest
import torch
from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.recovery.distil import Distillation, Plan
from pruning.recovery.parameters import TrainedParameters, router_parameters, with_rates
from tests.pruning.families import make
from tests.pruning.pruned import ignore_steps
from tests.pruning.recovery.test_distil import RATE, naive_loss, nowhere, some_pruned, windows
from tests.pruning.structure.test_experts import deepseek

MODELS: dict[str, Callable[[], PreTrainedModel]] = {
    "mixtral": lambda: make("mixtral"),
    "qwen3_moe": lambda: make("qwen3_moe", norm_topk_prob=True),
    "qwen3_moe, weights not normalised": lambda: make("qwen3_moe", norm_topk_prob=False),
    "qwen2_moe, a shared expert": lambda: make("qwen2_moe"),
    "gpt_oss, a bias": lambda: make("gpt_oss"),
    "llama4, experts take every token": lambda: make("llama4"),
    "deepseek, corrections that are no parameters": lambda: deepseek().float(),
}
ROUTERS = {"mlp.gate.weight", "mlp.router.weight", "mlp.router.bias", "feed_forward.router.weight"}


@pytest.mark.parametrize("name", MODELS)
def test_a_step_of_the_routers_is_that_of_plain_autograd_and_nothing_else_is_touched(name: str) -> None:
    dense = MODELS[name]()
    pruned = some_pruned(dense, 0.3).requires_grad_(False)  # as a checkpoint is loaded
    before, stack = copy.deepcopy(pruned), find_stack(pruned)
    trained = TrainedParameters(router_parameters(stack, Placement(pruned).stored), torch.float32)
    plan = Plan(windows(2, seed=0), windows(4, seed=1), 2)
    training = Distillation(Placement(pruned), Placement(dense), trained, plan, rate=RATE)
    training.run(ignore_steps, nowhere())

    expected = {key for key in before.state_dict() if key.split(".", 3)[-1] in ROUTERS}
    assert set(trained.rounded()) == expected != set()
    # Nothing but routers is in what is saved, or ever had a gradient.
    assert {key.partition("/")[2] for key in trained.state()} == expected
    assert all(parameter.grad is None for parameter in pruned.parameters())
    model = copy.deepcopy(before).requires_grad_(True)
    naive_loss(model, dense, plan.windows).backward()
    for key, tensor in before.state_dict().items():
        if key not in expected:
            assert torch.equal(pruned.state_dict()[key], tensor), key
            continue
        gradient = model.get_parameter(key).grad
        assert gradient is not None
        large = gradient.abs() > gradient.abs().max() / 20  # the others' signs may be those of rounding
        moved = pruned.get_parameter(key).detach() - tensor
        # The first step of Adam is the rate times the sign of the gradient.
        torch.testing.assert_close(moved[large], -RATE * gradient.sign()[large], rtol=1e-2, atol=0)


def test_a_model_without_routers_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"'router' needs a mixture.*Llama.*use 'all'") as caught:
        router_parameters(find_stack(make("llama")), lambda parameter: parameter)
    assert caught.value.field == "recovery.distil.train"


@pytest.mark.parametrize("family", ["mixtral", "qwen3_moe"])
def test_routers_that_send_tokens_elsewhere_are_brought_back(family: str) -> None:
    dense = make(family)
    pruned = copy.deepcopy(dense).requires_grad_(False)
    generator = torch.Generator().manual_seed(3)
    for one in router_parameters(find_stack(pruned), torch.Tensor.detach).values():
        one.parameter.data += 0.3 * one.size * torch.randn(one.parameter.shape, generator=generator)
    trainable = router_parameters(find_stack(pruned), Placement(pruned).stored)
    trained = TrainedParameters(with_rates(trainable), torch.float32)
    plan = Plan(windows(128, seed=0), windows(16, seed=1), 4)
    result = Distillation(Placement(pruned), Placement(dense), trained, plan, rate=0.05).run(
        ignore_steps, nowhere()
    )
    assert result.best.held_out < 0.7 * result.curve[0].held_out
