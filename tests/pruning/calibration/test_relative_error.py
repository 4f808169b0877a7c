"""The relative error of a layer's outputs, against hooks in forward passes of the whole model."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.activation_statistics import TokenSample
from pruning.methods.prune_blocks import Pruned
from tests.pruning import naive
from tests.pruning.families import (
    FAMILIES,
    INPUT_GROUPS,
    UNREACHED_EXPERTS,
    five_windows,
    make,
    with_unreached_experts,
)
from tests.pruning.pruned import pruned

FROM_ALL_WINDOWS: dict[str, dict[str, Any]] = {
    "sparsegpt": {"method": "sparsegpt"},
    "admm": {"method": "admm"},
    "gblm, refit": {"method": "gblm", "refit": True},
    "best": {"method": "best"},
}
FROM_THE_FIRST_WINDOW: dict[str, dict[str, Any]] = {
    "wanda": {"method": "wanda"},
    "gblm": {"method": "gblm"},
    "ria, layer by layer": {"method": "ria", "order": "layers"},
    "gradient, allocated by outliers": {"method": "gradient", "allocation": "owl"},
}


pytestmark = pytest.mark.usefixtures("two_windows_at_once")


def errors(result: Pruned) -> dict[str, float | None]:
    return {layer.name: layer.relative_error for layer in result.layers}


def naive_errors(
    dense: PreTrainedModel, after: PreTrainedModel, windows: Tensor, steps: list[list[str]]
) -> dict[str, float]:
    """Compute the errors step by step, the weights of all earlier steps being those of `after`."""
    model, found = copy.deepcopy(dense), {}
    for layers in steps:
        seen = naive.inputs_seen(model, windows, layers)
        inputs = {name: torch.cat(rows) for name, rows in seen.items()}
        for name in layers:
            weight = naive.matrix_of(model.get_submodule(name))
            dense_outputs = inputs[name] @ weight.T
            weight.copy_(naive.matrix_of(after.get_submodule(name)))
            found[name] = float((inputs[name] @ weight.T - dense_outputs).norm() / dense_outputs.norm())
    return found


def steps_of(family: str, *, by_layer: bool) -> list[list[str]]:
    by_block = naive.layers_of(make(family), FAMILIES[family].blocks)
    if not by_layer:
        return by_block
    blocks, steps = INPUT_GROUPS[family]
    return [
        [f"{blocks}.{number}.{name}" for name in step.split()]
        for number in range(len(by_block))
        for step in steps
    ]


@pytest.mark.parametrize("family", INPUT_GROUPS)
@pytest.mark.parametrize("name", FROM_ALL_WINDOWS | FROM_THE_FIRST_WINDOW)
def test_the_error_is_that_of_the_layers_outputs(name: str, family: str) -> None:
    model = make(family, torch.float64)
    fields = (FROM_ALL_WINDOWS | FROM_THE_FIRST_WINDOW)[name]
    found = errors(pruned(model, five_windows(), **fields))
    seen = five_windows() if name in FROM_ALL_WINDOWS else five_windows()[:1]
    steps = steps_of(family, by_layer=name in ("best", "ria, layer by layer"))
    expected = naive_errors(make(family, torch.float64), model, seen, steps)
    assert found == pytest.approx(expected, rel=1e-9)
    assert all(0 < error < 1 for error in expected.values())


@pytest.mark.parametrize("name", ["wanda", "sparsegpt"])
def test_in_bfloat16_the_error_is_near_that_of_the_same_weights_in_float32(name: str) -> None:
    model = make("llama", torch.bfloat16)
    found = errors(pruned(model, five_windows(), method=name))
    dense = make("llama", torch.bfloat16)
    seen = five_windows() if name in FROM_ALL_WINDOWS else five_windows()[:1]
    expected = naive_errors(dense.float(), model.float(), seen, steps_of("llama", by_layer=False))
    assert found == pytest.approx(expected, rel=0.02)  # the inputs differ: they come from a bfloat16 model


@pytest.mark.parametrize("method", ["magnitude", "gradient"])
def test_a_method_that_measures_no_inputs_has_no_error(method: str) -> None:
    assert set(errors(pruned(make("llama"), five_windows(), method=method)).values()) == {None}


@pytest.mark.parametrize("method", ["wanda", "sparsegpt"])
def test_only_experts_that_receive_no_token_have_no_error(method: str) -> None:
    found = errors(pruned(with_unreached_experts(), five_windows(), method=method))
    unreached = {name for name in found if name.rpartition(".")[0] in UNREACHED_EXPERTS}
    assert unreached
    assert {name for name, error in found.items() if error is None} == unreached


def test_a_token_sample_is_spread_evenly_over_the_first_window_with_tokens() -> None:
    tokens = TokenSample()
    window = torch.arange(600.0)[:, None]
    tokens.add([torch.zeros(0, 1), window, -window])
    assert tokens.value.flatten().tolist() == list(range(0, 600, 3))
