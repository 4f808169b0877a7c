"""Gradients of gates, on both schedules, against autograd on explicit factors, window by window."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.models.blocks import stack_of_layers
from pruning.models.layers import ModuleLayer
from pruning.models.placement import Placement
from pruning.resume.store import EphemeralResumeStore
from pruning.structure.units import consumers
from tests.pruning.families import five_windows, make
from tests.pruning.live_memory import LiveMemory
from tests.pruning.pruned import ignore_steps
from tests.pruning.structure.exact import Gate, make_exact

pytestmark = pytest.mark.usefixtures("two_windows_at_once")

# Grouped queries, biases, one layer for query, key and value, MLPs without a gate, experts.
FAMILIES = ("llama", "qwen2", "gpt_neox", "opt", "gpt2", "phi3", "mixtral")


def explicit_gates(model: PreTrainedModel, windows: Tensor) -> dict[str, Tensor]:
    """The gradient of each window's mean loss for a factor on each input, (windows, inputs), by layer."""
    model.requires_grad_(False)
    gates = {}
    for layer in consumers(model):
        if isinstance(layer, ModuleLayer):  # those of experts: test_expert_channels
            gates[layer.name] = Gate(layer.module, layer.inputs)
    rows: dict[str, list[Tensor]] = {name: [] for name in gates}
    for window in windows:
        logits = model(input_ids=window[None], use_cache=False).logits[0]
        loss = F.cross_entropy(logits[:-1].to(torch.promote_types(logits.dtype, torch.float32)), window[1:])
        found = torch.autograd.grad(loss, [gate.values for gate in gates.values()])
        for name, gradient in zip(gates, found, strict=True):
            rows[name].append(gradient)
    for gate in gates.values():
        gate.remove()
    return {name: torch.stack(gradients) for name, gradients in rows.items()}


def gates_of(
    model: PreTrainedModel,
    windows: Tensor,
    schedule: ScheduleChoice,
    directory: Path,
    dtype: torch.dtype | None = None,
) -> dict[str, Tensor]:
    stack = stack_of_layers(model, frozenset(layer.name for layer in consumers(model)))
    gradient_pass = GradientPass(
        Placement(model, dtype=dtype), windows, norms=frozenset({"gates"}), stack=stack, schedule=schedule
    )
    return dict(gradient_pass.run(ignore_steps, EphemeralResumeStore(directory))["gates"])


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
@pytest.mark.parametrize("family", ["llama", "mixtral"])
def test_a_pass_holds_its_gates_alone_when_it_has_ended(
    family: str, schedule: ScheduleChoice, tmp_path: Path
) -> None:
    model = make(family)
    with LiveMemory(finds_peak=False) as memory:
        found = gates_of(model, five_windows(), schedule, tmp_path)
        assert memory.held <= sum(gates.nbytes for gates in found.values())


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
@pytest.mark.parametrize("family", FAMILIES)
def test_gates_are_autograds_in_float64(family: str, schedule: ScheduleChoice, tmp_path: Path) -> None:
    expected = explicit_gates(make_exact(family), five_windows())
    found = gates_of(make_exact(family), five_windows(), schedule, tmp_path)
    assert found.keys() >= expected.keys()
    assert len(found) == len(expected) or family == "mixtral"
    for name in expected:
        gates = found[name]
        assert gates.dtype == torch.float64
        assert gates.shape == expected[name].shape
        assert expected[name].norm() > 0
        assert (gates - expected[name]).norm() <= 1e-10 * expected[name].norm(), name


@pytest.mark.parametrize("family", FAMILIES)
def test_gates_are_autograds_in_float32(family: str, tmp_path: Path) -> None:
    expected = explicit_gates(make(family), five_windows())
    found = gates_of(make(family), five_windows(), "whole", tmp_path)
    for name in expected:
        gates = found[name]
        assert gates.dtype == torch.float32
        assert (gates - expected[name]).norm() <= 1e-5 * expected[name].norm(), name


def test_in_float16_the_loss_scale_is_divided_out_and_both_parts_count(tmp_path: Path) -> None:
    expected = explicit_gates(make("llama"), five_windows())
    found = gates_of(make("llama"), five_windows(), "whole", tmp_path, torch.float16)
    for name, gates in found.items():
        assert (gates - expected[name]).norm() <= 0.03 * expected[name].norm(), name


def test_gates_are_the_sums_of_weights_times_their_gradients(tmp_path: Path) -> None:
    model = make_exact("llama")
    found = gates_of(model, five_windows(), "whole", tmp_path)
    layer = model.get_submodule("model.layers.1.mlp.down_proj")
    layer.weight.requires_grad_(True)
    for number, window in enumerate(five_windows()):
        logits = model(input_ids=window[None], use_cache=False).logits[0]
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits[:-1], window[1:]), layer.weight)
        expected = (layer.weight * gradient).sum(dim=0)
        torch.testing.assert_close(found["model.layers.1.mlp.down_proj"][number], expected, rtol=1e-9, atol=0)
