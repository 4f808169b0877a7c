"""The training of a whole model against plain autograd and torch's own Adam on a copy of the model."""

import copy
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.errors import NumericalFailure
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.recipe import Recipe, StateKind
from pruning.recovery.distil import Distillation, Distilled, Plan, TrainingBoundary
from pruning.recovery.parameters import (
    TrainedParameters,
    every_parameter,
    kept_parameters,
    trainable_parameters,
    with_rates,
)
from pruning.resume.store import ActivationCheckpoint
from tests.pruning.families import make
from tests.pruning.pruned import ignore_steps
from tests.pruning.tiny import tiny_llama

RATE = 1e-3
# Three steps: one of the warm-up, and a cosine at a third and two thirds of its way.
FACTORS = [1.0, 0.75, 0.25]


def some_pruned(dense: PreTrainedModel, sparsity: float) -> PreTrainedModel:
    """Set a random part of the blocks' matrices to zero."""
    model = copy.deepcopy(dense)
    generator = torch.Generator().manual_seed(5)
    for layer in find_stack(model).layers:
        layer.parameter.data *= torch.rand(layer.parameter.shape, generator=generator) >= sparsity
    return model


@pytest.mark.parametrize(
    ("method", "masked"),
    [({}, False), ({"method": "none"}, False), ({"method": "wanda", "sparsity": 0.5}, True)],
)
def test_zeros_of_a_cut_model_are_masks_where_a_method_has_masked(
    method: dict[str, object], masked: bool
) -> None:
    fields = {"model": "/any", "structure": {"kv_heads": 1}, "recovery": {"distil": True}}
    model = some_pruned(make("llama"), 0.5)
    found = trainable_parameters(Recipe.model_validate(fields | method), find_stack(model), Tensor.detach)
    assert any(one.is_masked for one in found.values()) == masked


def windows(count: int, seed: int) -> Tensor:
    return torch.randint(2, 96, (count, 12), generator=torch.Generator().manual_seed(seed))


def nowhere() -> TrainingBoundary:
    directory = TemporaryDirectory()
    best = Path(directory.name) / "best"
    boundary = TrainingBoundary(ActivationCheckpoint(None, {}), best, lambda step: None)
    weakref.finalize(boundary, directory.cleanup)
    return boundary


class Training:
    """A small model of 96 tokens, half pruned, and a training of it."""

    def __init__(
        self,
        dense: PreTrainedModel,
        *,
        stored: torch.dtype | None = None,
        rate: float = RATE,
        relative: bool = False,
        steps: int = 3,
        sparsity: float = 0.5,
        smaller: PreTrainedModel | None = None,
        state: StateKind = "float32",
        graphs: int = 1,
    ) -> None:
        """`smaller`: what a cut has left of the dense model, all of which is trained.

        `relative`: the rate is relative to each parameter, and not that of all.
        """
        self.dense, self.pruned = dense, some_pruned(smaller or dense, sparsity)
        self.before = copy.deepcopy(self.pruned)
        self.plan = Plan(windows(2 * steps, seed=0), windows(4, seed=1), 2)
        stack, stored_as = find_stack(self.pruned), Placement(self.pruned).stored
        trainable = (
            every_parameter(stack, stored_as, masked=True) if smaller else kept_parameters(stack, stored_as)
        )
        trainable = with_rates(trainable) if relative else trainable
        self.trained = TrainedParameters(trainable, stored or dense.dtype, state=state)
        self.distillation = Distillation(
            Placement(self.pruned),
            Placement(dense),
            self.trained,
            self.plan,
            rate=rate,
            with_embeddings=smaller is not None,
            graphs=graphs,
        )

    def run(self, step: Callable[[int, int], None] = ignore_steps) -> Distilled:
        boundary = nowhere()
        found = self.distillation.run(step, boundary)
        return replace(found, weights=dict(found.weights))  # whose file goes with the boundary


def naive_loss(model: PreTrainedModel, dense: PreTrainedModel, batch: Tensor) -> Tensor:
    """KL(dense ‖ model) over all positions, from whole logits."""
    own, other = (one(input_ids=batch, use_cache=False).logits.log_softmax(-1) for one in (model, dense))
    return (other.detach().exp() * (other.detach() - own)).sum(-1).mean()


def naive_training(
    training: Training, *, every: bool = False, rate: Callable[[Tensor], float] = lambda before: RATE
) -> dict[str, Tensor]:
    """Train by whole-model autograd and torch.optim.Adam; return every parameter.

    `rate`: from what a parameter was before.
    """
    model = copy.deepcopy(training.before).requires_grad_(True)
    masks = {
        layer.parameter_name: layer.parameter.detach() == 0 for layer in find_stack(training.before).layers
    }
    chosen = {
        name: parameter
        for name, parameter in model.named_parameters()
        if every or name in masks or (name.endswith("weight") and "norm" in name)
    }
    rates = [rate(parameter.detach()) for parameter in chosen.values()]
    optimizer = torch.optim.Adam(
        [{"params": [parameter]} for parameter in chosen.values()], betas=(0.9, 0.95), eps=1e-15
    )
    for factor, batch in zip(FACTORS, training.plan.windows.split(2), strict=True):
        for group, highest in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = highest * factor
        model.zero_grad()
        naive_loss(model, training.dense, batch).backward()
        for name, mask in masks.items():
            grad = chosen[name].grad
            assert grad is not None
            grad[mask] = 0
        optimizer.step()
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize(
    "make_dense",
    [partial(tiny_llama, vocab_size=96), partial(make, "cohere", use_qk_norm=True)],  # gains of each head
    ids=["llama", "cohere"],
)
def test_three_steps_are_those_of_plain_autograd(make_dense: Callable[[], PreTrainedModel]) -> None:
    training = Training(make_dense().double())
    training.run()
    expected = naive_training(training)
    for name, parameter in training.pruned.named_parameters():
        torch.testing.assert_close(parameter.detach(), expected[name], rtol=0, atol=1e-10)
    assert set(training.trained.rounded()) == {
        name
        for name, parameter in training.before.named_parameters()
        if not torch.equal(parameter, expected[name])
    }


def test_each_parameter_has_the_rate_of_its_own_size_and_kept_share() -> None:
    dense = tiny_llama(vocab_size=96).double()
    sparse, (few, large, *_) = (
        copy.deepcopy(dense),
        [layer.parameter_name for layer in find_stack(dense).layers],
    )
    sparse.get_parameter(few).data[:, 1:] = 0
    sparse.get_parameter(large).data.mul_(4)
    sparse.get_parameter("model.layers.1.post_attention_layernorm.weight").data.mul_(1e-5)
    training = Training(dense, smaller=sparse, relative=True, rate=1e-2, sparsity=0.6)
    rates = list[float]()

    def rate(before: Tensor) -> float:
        values = before.numpy()
        size, kept = np.sqrt((values**2).mean()), (values != 0).mean() if values.ndim > 1 else 1.0
        rates.append(1e-2 * max(size, 1e-3) / max(kept, 0.1))
        return rates[-1]

    expected = naive_training(training, every=True, rate=rate)
    training.run()
    for name, parameter in training.pruned.named_parameters():
        torch.testing.assert_close(parameter.detach(), expected[name], rtol=0, atol=1e-10)
    assert len(set(rates)) > 5
    assert min(rates) == 1e-2 * 1e-3  # of the small gain


@pytest.mark.parametrize("tied", [False, True])
def test_three_steps_of_all_that_a_cut_has_left_are_those_of_plain_autograd(tied: bool) -> None:
    dense = tiny_llama(vocab_size=96, tie_word_embeddings=tied).double()
    smaller = tiny_llama(vocab_size=96, tie_word_embeddings=tied, intermediate_size=40).double()
    training = Training(dense, smaller=smaller)
    training.run()
    expected = naive_training(training, every=True)
    before = dict(training.before.named_parameters())
    for name, parameter in training.pruned.named_parameters():
        torch.testing.assert_close(parameter.detach(), expected[name], rtol=0, atol=1e-10)
        assert not torch.equal(parameter, before[name])
    assert set(training.trained.rounded()) == set(before)
    assert ("lm_head.weight" in before) is not tied
    for layer in find_stack(training.before).layers:
        assert not training.pruned.get_parameter(layer.parameter_name)[layer.parameter == 0].any()


@pytest.mark.parametrize("family", ["gpt2", "opt", "bloom"])
def test_behind_a_cut_modules_before_the_first_block_are_trained(family: str) -> None:
    training = Training(make(family), smaller=make(family), steps=1)
    model = copy.deepcopy(training.before).requires_grad_(True)
    naive_loss(model, training.dense, training.plan.windows).backward()
    training.run()
    masked = {layer.parameter_name for layer in find_stack(model).layers}
    for name, parameter in model.named_parameters():
        assert name in training.trained.rounded()
        assert parameter.grad is not None
        size = parameter.grad.abs()
        # The others' signs may be those of rounding, as all of those of a bias of keys are.
        large = (size > size.max() / 20) & (size > 1e-7)
        large &= (parameter != 0) | torch.tensor(name not in masked)
        moved = training.pruned.get_parameter(name).detach() - parameter
        expected = -RATE * parameter.grad / (size + 1e-15)
        torch.testing.assert_close(moved[large], expected[large], rtol=1e-2, atol=1e-9)


@pytest.mark.parametrize("family", ["gpt2", "qwen3", "mixtral"])
def test_a_step_of_other_families_is_that_of_plain_autograd(family: str) -> None:
    training = Training(make(family), steps=1)
    names = set(training.trained.rounded())
    model = copy.deepcopy(training.before).requires_grad_(True)
    naive_loss(model, training.dense, training.plan.windows).backward()
    training.run()
    for name, parameter in model.named_parameters():
        new = training.pruned.get_parameter(name).detach()
        if name not in names or parameter.grad is None:
            assert torch.equal(new, parameter.detach())
            continue
        size = parameter.grad.abs()
        large = (parameter != 0) & (size > size.max() / 20)  # the others' signs may be those of rounding
        # The first step of Adam is the rate times the sign of the gradient, but for its ε.
        expected = -RATE * parameter.grad / (size + 1e-15)
        torch.testing.assert_close((new - parameter)[large], expected[large], rtol=1e-2, atol=0)
        assert not new[parameter.detach() == 0].any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_masters_and_masks_do_not_depend_on_the_dtype_of_the_computation(
    dtype: torch.dtype,
) -> None:
    model = some_pruned(make("llama"), 0.5)
    with torch.no_grad():
        for layer in find_stack(model).layers:
            layer.parameter[0] *= 1e-9  # is 0 in float16
    before = copy.deepcopy(model.state_dict())
    placement, stack = Placement(model, dtype=dtype), find_stack(model)
    with placement.resident(model):
        trainable = kept_parameters(stack, placement.stored)
        trained = TrainedParameters(trainable, torch.float32)
        assert {one.parameter.dtype for one in trainable.values()} == {dtype}
        for name, master in trained.rounded().items():  # to float32, so not at all
            assert torch.equal(master, before[name])


def calls_of(dense: PreTrainedModel) -> list[int]:
    """The windows that go through the dense model's first block from now on, call by call."""
    seen: list[int] = []
    # Not the block itself, which is called where it is skipped, too.
    inside = dense.get_submodule("model.layers.0.mlp")
    inside.register_forward_hook(lambda _module, inputs, _output: seen.append(len(inputs[0])))
    return seen


def test_each_window_goes_through_the_dense_model_once() -> None:
    dense = tiny_llama(vocab_size=96)
    training = Training(dense)
    seen = calls_of(dense)  # not before: the pruned model is a copy of the dense one
    training.run()
    assert sum(seen) == 4 + 6  # though the held-out ones are judged four times


def test_what_is_judged_is_rounded_and_the_best_of_it_is_kept() -> None:
    training = Training(tiny_llama(vocab_size=96), stored=torch.bfloat16, rate=5e-3, steps=8)
    result = training.run()
    assert [point.step for point in result.curve] == list(range(9))
    assert [point.tokens for point in result.curve] == [24 * step for step in range(9)]
    assert result.best.held_out < result.curve[0].held_out
    assert {tensor.dtype for tensor in result.weights.values()} == {torch.bfloat16}

    model = copy.deepcopy(training.before)
    for name, tensor in result.weights.items():
        model.get_parameter(name).data = tensor.float()
    held_out = training.plan.held_out
    with torch.no_grad():
        kept = naive_loss(model, training.dense, held_out)
    assert float(kept) == pytest.approx(result.best.held_out, rel=1e-5)
    for layer in find_stack(training.before).layers:
        zero = layer.parameter == 0
        assert not result.weights[layer.parameter_name].view(torch.int16)[zero].any()  # +0.0, bit for bit


@pytest.mark.parametrize("structure", [False, True])
def test_activations_that_are_kept_give_the_bits_of_those_that_are_computed_again(structure: bool) -> None:
    dense = tiny_llama(vocab_size=96, num_hidden_layers=3, tie_word_embeddings=True).bfloat16()
    smaller = copy.deepcopy(dense) if structure else None
    one, two, all_of_them = (Training(dense, smaller=smaller, graphs=graphs).run() for graphs in (1, 2, 3))
    for other in (two, all_of_them):
        assert other.curve == one.curve
        assert all(torch.equal(other.weights[name], tensor) for name, tensor in one.weights.items())


def test_the_training_loss_of_the_curve_is_the_mean_over_its_steps() -> None:
    training = Training(tiny_llama(vocab_size=96).double(), rate=1e-12, steps=16)
    result = training.run()
    assert [point.step for point in result.curve] == list(range(0, 17, 2))
    assert result.curve[0].training is None
    with torch.no_grad():  # at this rate the model stays what it was
        expected = naive_loss(training.before, training.dense, training.plan.windows.split(4)[0])
    assert result.curve[1].training == pytest.approx(float(expected), rel=1e-6)


def test_nothing_worse_than_before_is_kept() -> None:
    result = Training(tiny_llama(vocab_size=96), sparsity=0.01, rate=1.0).run()
    assert all(point.held_out > result.curve[0].held_out for point in result.curve[1:])
    assert (result.best.step, result.weights) == (0, {})


def test_a_training_that_diverges_is_named() -> None:
    training = Training(tiny_llama(vocab_size=96), rate=3e37)
    with pytest.raises(NumericalFailure, match="use dtype float32"):
        training.run()


def test_progress_counts_every_micro_batch() -> None:
    seen: list[tuple[int, int]] = []
    training = Training(tiny_llama(vocab_size=96))
    training.run(lambda done, total: seen.append((done, total)))
    # Three steps of two windows, and four held-out windows before the first and after each. Between two of
    # them, each block of either model that ran for later ones is reported, too.
    assert list(dict.fromkeys(seen)) == [(done, 11) for done in range(12)]
    assert training.plan.passes == 11


@pytest.mark.parametrize(("state", "share"), [("8-bit", 0.03), ("bfloat16", 0.1)])
def test_narrower_states_train_as_float32_does(state: StateKind, share: float) -> None:
    dense = tiny_llama(vocab_size=96).to(torch.bfloat16)
    kinds: tuple[StateKind, StateKind] = ("float32", state)
    expected, found = (Training(dense, steps=24, state=kind).run() for kind in kinds)
    fallen = expected.curve[0].held_out - expected.best.held_out
    assert fallen > 0.05
    assert found.best.held_out == pytest.approx(expected.best.held_out, abs=share * fallen)
    for name, weights in found.weights.items():
        assert torch.equal(weights == 0, expected.weights[name] == 0)
