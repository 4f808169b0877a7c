"""The shares of a pruned model's loss: against plain autograd of both whole models."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.gradient_pass import GradientPass, Objective
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.pipeline.loss_shares import divergence, final_states, shares_of
from pruning.recipe import Stage
from pruning.resume.store import EphemeralResumeStore
from tests.pruning.families import FAMILIES, make

Shares = dict[str, Tensor]


def pruned_copy(dense: PreTrainedModel) -> PreTrainedModel:
    """The model with a third of its linear layers' weights zero, and the others changed."""
    pruned, generator = copy.deepcopy(dense), torch.Generator().manual_seed(4)
    with torch.no_grad():
        for layer in find_stack(pruned).layers:
            draw = torch.rand(layer.matrix.shape, generator=generator, dtype=torch.float64).to(dense.dtype)
            layer.matrix.mul_(0.9 + 0.2 * draw).masked_fill_(draw < 1 / 3, 0.0)
    return pruned


def naive_shares(dense: PreTrainedModel, pruned: PreTrainedModel, windows: Tensor) -> tuple[Shares, Tensor]:
    """Return ½·⟨G, W' - W⟩ by layer and window, and the losses of the windows."""
    before = {layer.name: layer.matrix.clone() for layer in find_stack(dense).layers}
    pruned = copy.deepcopy(pruned).requires_grad_(True)
    layers = tuple(find_stack(pruned).layers)
    shares: dict[str, list[Tensor]] = {layer.name: [] for layer in layers}
    losses = []
    for window in windows:
        with torch.no_grad():
            wanted = dense(input_ids=window[None], use_cache=False).logits[0].log_softmax(-1)
        found = pruned(input_ids=window[None], use_cache=False).logits[0].log_softmax(-1)
        loss = (wanted.exp() * (wanted - found)).sum(-1).mean()
        pruned.zero_grad()
        loss.backward()
        losses.append(loss.detach())
        for layer in layers:
            assert layer.parameter.grad is not None
            gradient = layer.as_matrix(layer.parameter.grad)
            shares[layer.name].append((gradient * (layer.matrix - before[layer.name])).sum() / 2)
    return {name: torch.stack(found) for name, found in shares.items()}, torch.stack(losses)


def measured(
    dense: PreTrainedModel,
    pruned: PreTrainedModel,
    windows: Tensor,
    directory: Path,
    schedule: ScheduleChoice,
) -> Shares:
    whole, placement = find_stack(dense), Placement(dense)
    states = final_states(whole, windows, placement)
    objective = Objective("shares", divergence(states), shares_of(whole, placement), Stage.SEARCH)
    gradient_pass = GradientPass(
        Placement(pruned), windows, norms=objective, stack=find_stack(pruned), schedule=schedule
    )
    return dict(gradient_pass.run(lambda done, steps: None, EphemeralResumeStore(directory))["shares"])


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_shares_are_those_of_plain_autograd(
    family: str, schedule: ScheduleChoice, windows: Tensor, tmp_path: Path
) -> None:
    dense = make(family, torch.float64)
    pruned = pruned_copy(dense)
    expected, _ = naive_shares(dense, pruned, windows)
    found = measured(dense, pruned, windows, tmp_path, schedule)
    assert found.keys() == expected.keys()
    scale = max(float(shares.abs().max()) for shares in expected.values())
    for name, shares in expected.items():
        assert found[name].dtype == torch.float64
        torch.testing.assert_close(found[name], shares, rtol=1e-10, atol=1e-10 * scale)


def test_the_shares_of_a_small_change_add_up_to_the_loss(windows: Tensor, tmp_path: Path) -> None:
    dense = make("llama", torch.float64)
    pruned = pruned_copy(dense)
    with torch.no_grad():
        for ours, theirs in zip(pruned.parameters(), dense.parameters(), strict=True):
            ours.lerp_(theirs, 0.999)
    _, losses = naive_shares(dense, pruned, windows)
    found = measured(dense, pruned, windows, tmp_path, "whole")
    torch.testing.assert_close(torch.stack(list(found.values())).sum(0), losses, rtol=2e-2, atol=0)
