"""The most that pruning one layer holds, in tensors as large as the second moments of its inputs."""

import pytest
import torch
from torch import nn

from pruning.calibration.activation_statistics import InputStatistics, SecondMoments
from pruning.calibration.linalg import damped, shrunken
from pruning.masks.patterns import LayerTarget
from pruning.methods import sparsegpt
from pruning.methods.prune_blocks import _BlockPruner
from pruning.models.hooks import LayerCall
from pruning.models.layers import ModuleLayer
from pruning.recipe import Recipe
from tests.pruning.live_memory import LiveMemory


@pytest.mark.parametrize(("outputs", "inputs"), [(96, 96), (48, 96)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("method", "most"), [("sparsegpt", 6), ("best", 9)])
@torch.no_grad()
def test_a_layer_is_pruned_in_so_many_copies_of_its_moments(
    method: str,
    most: float,
    dtype: torch.dtype,
    outputs: int,
    inputs: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sparsegpt, "COLUMNS", 16)  # few of a matrix's, as 128 are of a large model's
    random = torch.Generator().manual_seed(0)
    layer = ModuleLayer("layer", nn.Linear(inputs, outputs, bias=False, dtype=dtype))
    layer.matrix.copy_(torch.randn(outputs, inputs, generator=random))
    recipe = Recipe.model_validate({"model": "/any", "method": method, "sparsity": 0.5})
    statistics = InputStatistics((layer,), recipe.needs)
    windows = [torch.randn(2 * inputs, inputs, generator=random) for _ in range(2)]
    errors = [torch.randn(2 * inputs, outputs, generator=random) for _ in range(2)]
    with LiveMemory() as live:
        statistics.add(LayerCall(layer, torch.cat(windows), lambda tokens: tokens.split(2 * inputs)))
        statistics._statistics.end_pass()
        if "activation_error" in recipe.needs:
            statistics.add_output_error(layer, windows, errors)
        live.peak = 0  # of what collects them
        pruner = _BlockPruner(recipe, 0, {"layer": LayerTarget("unstructured", 0.5)}, {})
        pruner.prune((layer,), statistics)
    copies = live.peak / (torch.float32.itemsize * inputs**2)
    assert 1 < copies <= most, copies


@pytest.mark.parametrize("change", [damped, shrunken])
def test_a_damped_diagonal_is_restored_even_if_its_use_fails(change: type[damped]) -> None:
    moments = torch.rand(5, 5, generator=torch.Generator().manual_seed(0))
    before = moments.clone()

    def use() -> None:
        with change(moments, 0.01) as hessian:
            assert (hessian.diagonal() > before.diagonal()).all()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert torch.equal(moments, before)


def test_a_mean_that_was_read_takes_no_more_windows() -> None:
    moments = SecondMoments()
    moments.add([torch.ones(3, 2), torch.ones(3, 2)])
    assert torch.equal(moments.value, torch.full((2, 2), 3.0))
    assert moments.value is moments.value
    with pytest.raises(RuntimeError, match="no window can be added"):
        moments.add([torch.ones(3, 2)])
