"""Gradient norms on the schedule `whole`, against autograd of the whole model, window by window."""

import pytest
import torch
from transformers import MambaConfig, MambaForCausalLM

from pruning.calibration.gradient_factors import GradientFactors
from pruning.calibration.gradient_pass import gradient_norms
from pruning.calibration.window_norms import WindowNorms
from pruning.errors import InvalidInput, NumericalFailure
from pruning.models import memory
from pruning.models.blocks import find_stack
from pruning.recipe import GradientNorm, LayerSelection
from tests.pruning.families import VOCABULARY, five_windows, make
from tests.pruning.pruned import ignore_steps

pytestmark = pytest.mark.usefixtures("two_windows_at_once")


def test_no_parameter_gets_a_gradient() -> None:
    model = make("llama")
    gradient_norms(model, five_windows(), norms=["l1"], step=ignore_steps)
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in model.parameters())


def test_a_model_in_train_mode_is_measured_in_eval_mode() -> None:
    expected = gradient_norms(make("opt"), five_windows(), norms=["l1"], step=ignore_steps)
    found = gradient_norms(make("opt").train(), five_windows(), norms=["l1"], step=ignore_steps)
    assert all(torch.equal(found["l1"][name], norm) for name, norm in expected["l1"].items())


def test_step_is_called_after_every_micro_batch() -> None:
    steps: list[tuple[int, int]] = []
    gradient_norms(make("llama"), five_windows(), norms=["l1"], step=lambda *at: steps.append(at))
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_an_exception_from_step_ends_the_pass_and_leaves_no_hook() -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    model = make("llama")
    with pytest.raises(Cancelled):
        gradient_norms(model, five_windows(), norms=["l1"], step=cancel)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_norms_do_not_depend_on_the_micro_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    grouped = gradient_norms(make("llama", torch.float64), five_windows(), norms=["l2"], step=ignore_steps)
    monkeypatch.setitem(memory.FULL_SPEED_TOKENS, "cpu", 1)
    single = gradient_norms(make("llama", torch.float64), five_windows(), norms=["l2"], step=ignore_steps)
    for name, norm in grouped["l2"].items():
        assert torch.allclose(norm, single["l2"][name], rtol=1e-5)


def test_float16_gradients_do_not_underflow() -> None:
    model = make("llama", torch.float16)
    exact = gradient_norms(make("llama"), five_windows(), norms=["l1"], step=ignore_steps)
    for name, norm in gradient_norms(model, five_windows(), norms=["l1"], step=ignore_steps)["l1"].items():
        assert norm.dtype == torch.float32
        assert (norm - exact["l1"][name]).norm() < 0.05 * exact["l1"][name].norm()


def test_non_finite_gradients_are_reported_with_the_layer() -> None:
    layer = next(find_stack(make("llama")).layers)
    norms = WindowNorms(layer, ["l1"])
    infinite, ones = torch.full((2, layer.inputs), torch.inf), torch.ones(2, layer.outputs)
    norms.add(GradientFactors([infinite], [ones]))
    with pytest.raises(NumericalFailure, match=layer.name):
        norms.finish("l1", 1)


def test_a_model_that_uses_a_layer_twice_is_refused_with_its_name() -> None:
    model = make("llama")
    mlp = model.get_submodule("model.layers.1.mlp")
    once = mlp.forward
    mlp.forward = lambda hidden: once(once(hidden))
    with pytest.raises(InvalidInput, match=r"model\.layers\.1\.mlp\.\w+ contributes 2 times"):
        gradient_norms(model, five_windows(), norms=["l1"], step=ignore_steps)


@pytest.mark.parametrize("norm", ["l1", "gates"])
def test_a_layer_that_is_never_called_is_named_and_can_be_excluded(norm: GradientNorm) -> None:
    config = MambaConfig(vocab_size=VOCABULARY, hidden_size=16, state_size=4, num_hidden_layers=2)
    model = MambaForCausalLM(config)  # multiplies by the weight of `dt_proj` itself
    with pytest.raises(InvalidInput, match=r"layer backbone\.\S*\.dt_proj is never called") as refused:
        gradient_norms(model, five_windows(), norms=[norm], step=ignore_steps)
    assert refused.value.field == "layers.exclude"
    others = LayerSelection(exclude=["*.dt_proj"])
    found = gradient_norms(model, five_windows(), norms=[norm], step=ignore_steps, selection=others)
    assert len(found[norm]) == 2 * 3


def test_a_layer_that_is_called_in_vain_is_not_said_to_be_uncalled() -> None:
    model = make("llama")
    mlp = model.get_submodule("model.layers.1.mlp")
    mlp.forward = lambda hidden, own=mlp.forward: hidden + 0 * own(hidden).detach()
    with pytest.raises(InvalidInput, match=r"model\.layers\.1\.mlp\.\w+ contributes 0 times") as refused:
        gradient_norms(model, five_windows(), norms=["l1"], step=ignore_steps)
    assert refused.value.field == "model.id"
