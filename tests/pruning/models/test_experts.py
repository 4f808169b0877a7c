"""Fused experts that run one after the other, against transformers' own forward pass."""

from collections import Counter
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from pruning.models.blocks import find_stack
from pruning.models.hooks import LayerCall, Observer, observing, run_by_expert
from pruning.models.layers import ExpertLayer
from tests.pruning.families import make
from tests.pruning.pretended_cuda import CUDA, pretended_cuda
from tests.pruning.waits import WaitsForTheDevice

WINDOWS = torch.Size([3, 5])


def experts_of(family: str) -> tuple[nn.Module, list[ExpertLayer]]:
    block = find_stack(make(family)).blocks[-1]
    layers = [layer for layer in block.layers if isinstance(layer, ExpertLayer)]
    return layers[0].module, layers


def routed(experts: int, *, without: int) -> tuple[Tensor, Tensor]:
    """Route every token to two experts, and none to the expert `without`."""
    random = torch.Generator().manual_seed(0)
    order = torch.rand(WINDOWS.numel(), experts, generator=random)
    order[:, without] = -1
    return order.topk(2).indices, torch.rand(WINDOWS.numel(), 2, generator=random)


@pytest.mark.parametrize("family", ["mixtral", "qwen3_moe", "gpt_oss"])
def test_each_expert_gets_its_tokens_by_window_and_the_output_is_unchanged(family: str) -> None:
    module, layers = experts_of(family)
    hidden = torch.randn(WINDOWS.numel(), 32, generator=torch.Generator().manual_seed(1))
    chosen, shares = routed(int(module.num_experts), without=1)
    seen: dict[str, list[Tensor]] = {}

    class Record(Observer):
        def before(self, call: LayerCall) -> None:
            seen[call.layer.name] = list(call.by_window(call.inputs))

    with torch.no_grad():
        expected = module(hidden, chosen, shares)
        with observing(layers, torch.zeros(WINDOWS, dtype=torch.long), Record()):
            found = module(hidden, chosen, shares)
    torch.testing.assert_close(found, expected)
    for layer in layers:
        if layer.name.endswith("down_proj"):
            continue
        for window, inputs in enumerate(seen[layer.name]):
            tokens = [
                token
                for token in range(window * WINDOWS[1], (window + 1) * WINDOWS[1])
                if layer.expert in chosen[token].tolist()
            ]
            assert torch.equal(inputs, hidden[tokens])


def test_the_device_is_waited_for_once_in_a_call() -> None:
    module, layers = experts_of("mixtral")
    hidden = torch.randn(WINDOWS.numel(), 32)
    chosen, shares = routed(int(module.num_experts), without=1)

    class AskForWindows(Observer):
        def before(self, call: LayerCall) -> None:
            call.by_window(call.inputs)

        def after(self, call: LayerCall, output: Tensor) -> None:
            call.by_window(output)

    with (
        torch.no_grad(),
        observing(layers, torch.zeros(WINDOWS, dtype=torch.long), AskForWindows()),
        WaitsForTheDevice() as waits,
    ):
        module(hidden, chosen, shares)
    assert waits.calls == {"tolist": 1}


def test_an_index_beyond_the_experts_is_no_expert() -> None:
    module, layers = experts_of("mixtral")
    hidden = torch.randn(WINDOWS.numel(), 32)
    chosen, shares = routed(int(module.num_experts), without=1)

    def multiply(layer: ExpertLayer, inputs: Tensor, sizes: object) -> Tensor:
        return nn.functional.linear(inputs, layer.matrix)

    without_second = torch.stack(
        [chosen[:, 0], torch.full_like(chosen[:, 0], int(module.num_experts))], dim=1
    )
    with torch.no_grad():
        found = run_by_expert(module, layers, multiply, hidden, without_second, shares, WINDOWS)
        expected = run_by_expert(module, layers, multiply, hidden, chosen[:, :1], shares[:, :1], WINDOWS)
    assert torch.equal(found, expected)


class Operations(TorchDispatchMode):
    """Counts what is computed, the backward pass included."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def test_on_a_gpu_gradients_of_all_experts_are_added_to_their_tokens_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, layers = experts_of("mixtral")
    hidden = torch.randn(WINDOWS.numel(), 32)
    chosen, shares = routed(int(module.num_experts), without=1)

    def gradients(hidden: Tensor, chosen: Tensor, shares: Tensor) -> tuple[Tensor, ...]:
        leaves = (hidden.requires_grad_(), shares.requires_grad_())
        with observing(layers, torch.zeros(WINDOWS, dtype=torch.long), Observer()):
            return torch.autograd.grad(module(hidden, chosen, shares).square().sum(), leaves)

    expected = gradients(hidden.clone(), chosen, shares.clone())
    with pretended_cuda(monkeypatch), Operations() as operations:
        for parameter in module.parameters():
            parameter.data = parameter.detach().to(CUDA)
        found = [gradient.cpu() for gradient in gradients(hidden.to(CUDA), chosen.to(CUDA), shares.to(CUDA))]
    assert all(map(torch.equal, found, expected))
    added = {name: calls for name, calls in operations.calls.items() if name.startswith("index_")}
    assert added == {"index_put": 2, "index_add_": int(module.num_experts), "index_select": mock.ANY}
