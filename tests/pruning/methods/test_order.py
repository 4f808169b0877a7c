"""Layer by layer within a block, against whole-model passes between the steps."""

import copy

import pytest
import torch
from pydantic import ValidationError

from pruning.methods.prune_blocks import prune
from pruning.recipe import Recipe
from tests.pruning import naive
from tests.pruning.families import INPUT_GROUPS, five_windows, make
from tests.pruning.pruned import ignore_steps


@pytest.mark.parametrize("method", ["magnitude", "gradient"])
def test_an_order_without_inputs_to_measure_is_refused(method: str) -> None:
    fields = {"model": "/any", "method": method, "sparsity": 0.5, "order": "layers"}
    with pytest.raises(ValidationError, match="this recipe measures none") as refused:
        Recipe.model_validate(fields)
    assert refused.value.errors()[0]["loc"] == ("order",)
    for used in ({"refit": True}, {"swaps": 9}, {"allocation": "owl"}):
        assert Recipe.model_validate(fields | used).order == "layers"


def recipe(order: str) -> Recipe:
    return Recipe.model_validate({"model": "/any", "method": "wanda", "sparsity": 0.5, "order": order})


@pytest.mark.parametrize("family", INPUT_GROUPS)
def test_each_input_is_measured_after_the_earlier_layers_are_pruned(family: str) -> None:
    blocks, steps = INPUT_GROUPS[family]
    model = make(family, torch.float64)
    expected = copy.deepcopy(model)
    for number in range(len(expected.get_submodule(blocks))):
        for step in steps:
            layers = [f"{blocks}.{number}.{name}" for name in step.split()]
            norms = naive.input_norms(expected, five_windows(), layers)
            for name in layers:
                weight = naive.matrix_of(expected.get_submodule(name))
                mask = naive.mask_of(weight.abs() * norms[name], "unstructured", 0.5, whole_matrix=False)
                weight[mask] = 0

    result = prune(model, recipe("layers"), five_windows(), {}, step=ignore_steps)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter == 0, expected.get_parameter(name) == 0), name
    in_order = [name for block in naive.layers_of(model, blocks) for name in block]
    assert [layer.name for layer in result.layers] == in_order
