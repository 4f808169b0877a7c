"""The importance of inputs by squared gradients, against autograd of the whole model, window by window."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from pruning.calibration.gradient_factors import GradientFactors
from pruning.calibration.gradient_schedule import Schedule
from pruning.calibration.input_importance import squared_gradients
from pruning.calibration.window_norms import WindowColumns
from pruning.errors import NumericalFailure
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from tests.pruning.families import five_windows, make
from tests.pruning.pruned import ignore_steps


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "mixtral"])
def test_the_sums_are_those_of_autograds_gradients(
    family: str, schedule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make(family, torch.float64)
    expected: dict[str, Tensor] = {}
    for window in five_windows():
        model.requires_grad_(True).zero_grad()
        model(window[None], labels=window[None]).loss.backward()
        for layer in find_stack(model).layers:
            gradient = layer.as_matrix(layer.parameter.grad)
            expected[layer.name] = expected.get(layer.name, 0) + gradient.square().sum(dim=0)
    monkeypatch.setattr("pruning.calibration.gradient_pass.Schedule.choose", lambda *_: Schedule(schedule, 2))
    found = squared_gradients(Placement(model), five_windows(), scratch=tmp_path, step=ignore_steps)
    assert found.keys() == expected.keys()
    for name, sums in expected.items():
        torch.testing.assert_close(found[name], sums)


def test_gradients_that_are_not_finite_are_reported_with_the_layer() -> None:
    layer = next(iter(find_stack(make("llama")).layers))
    sums = WindowColumns(layer)
    sums.add(GradientFactors([torch.full((2, layer.inputs), torch.inf)], [torch.ones(2, layer.outputs)]))
    with pytest.raises(NumericalFailure, match=layer.name):
        sums.finish(1)
