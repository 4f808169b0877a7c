"""Refit toward the dense model, against least squares on the outputs of whole-model passes."""

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from pruning.calibration.activation_statistics import InputStatistics
from pruning.methods.prune_blocks import prune
from pruning.models.layers import LinearLayer
from pruning.recipe import Recipe
from tests.pruning import naive
from tests.pruning.families import INPUT_GROUPS, five_windows, make
from tests.pruning.pruned import ignore_steps

DAMPING, TOWARD = 0.01, 0.5
# Gemma 2 normalises the output of a block's last layer before adding it, so that layer is like all others.
GROUPS = {**INPUT_GROUPS, "gemma2": INPUT_GROUPS["llama"]}
RESIDUAL_LAYER = {"llama": "mlp.down_proj", "gpt2": "mlp.c_proj", "gemma2": None}


def recipe(toward: float, ridge: float = 0.0) -> Recipe:
    refit = {"ridge": ridge, "iterations": 200, "toward": toward}
    return Recipe.model_validate(
        {"model": "/any", "method": "magnitude", "sparsity": 0.5, "refit": refit, "order": "layers"}
    )


def layer_input_and_block_output(
    model: PreTrainedModel, windows: Tensor, layer: str, block: str
) -> tuple[Tensor, Tensor]:
    """Return the layer's input and the block's output, (tokens, features) each."""
    found: dict[str, Tensor] = {}

    def output(_module: nn.Module, _args: object, value: Tensor | tuple[Tensor, ...]) -> None:
        found["output"] = value[0] if isinstance(value, tuple) else value

    hooks = [
        model.get_submodule(layer).register_forward_pre_hook(lambda _, args: found.update(inputs=args[0])),
        model.get_submodule(block).register_forward_hook(output),
    ]
    with torch.no_grad():
        model(input_ids=windows, use_cache=False)
    for hook in hooks:
        hook.remove()
    return found["inputs"].flatten(0, -2), found["output"].flatten(0, -2)


def with_massive_activations(model: PreTrainedModel) -> PreTrainedModel:
    """Make the embedding of the first window's first token a thousand times larger."""
    with torch.no_grad():
        model.get_input_embeddings().weight[five_windows()[0, 0]] *= 1000
    return model


@pytest.mark.parametrize("is_massive", [False, True], ids=["alike", "one massive"])
@pytest.mark.parametrize("ridge", [0.0, 3.0])
@pytest.mark.parametrize("family", GROUPS)
def test_refit_weights_give_outputs_between_those_of_both_models(
    family: str, ridge: float, is_massive: bool
) -> None:
    blocks, steps = GROUPS[family]
    dense = make(family, torch.float64)
    if is_massive:
        with_massive_activations(dense)
    model, expected = copy.deepcopy(dense), copy.deepcopy(dense)
    result = prune(model, recipe(TOWARD, ridge), five_windows(), {}, step=ignore_steps)
    for number in range(len(dense.get_submodule(blocks))):
        block = f"{blocks}.{number}"
        for step in steps:
            solved = {}
            for name in step.split():
                layer = f"{block}.{name}"
                weight = naive.matrix_of(expected.get_submodule(layer))
                (inputs, output), (dense_inputs, dense_output) = (
                    layer_input_and_block_output(which, five_windows(), layer, block)
                    for which in (expected, dense)
                )
                error = (dense_inputs - inputs) @ weight.T
                if name == RESIDUAL_LAYER[family]:
                    error = dense_output - output
                    error[massive_tokens(dense_output)] = 0
                    assert is_massive == bool(massive_tokens(dense_output).any())
                target = inputs @ weight.T + TOWARD * error
                mask = naive.mask_of(weight.abs(), "unstructured", 0.5, whole_matrix=True)
                solved[layer] = least_squares(inputs, target, weight, mask, ridge)
            for layer, solution in solved.items():
                naive.matrix_of(expected.get_submodule(layer)).copy_(solution)
    for name in result.masks:
        torch.testing.assert_close(
            model.get_parameter(name), expected.get_parameter(name), rtol=1e-4, atol=1e-6
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("family", GROUPS)
def test_the_layer_that_decides_a_blocks_output_is_found_in_bfloat16(
    family: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = set[str]()
    add = InputStatistics.add_output_error

    def recording(statistics: InputStatistics, layer: LinearLayer, *measured: Sequence[Tensor]) -> None:
        found.add(layer.name)
        add(statistics, layer, *measured)

    monkeypatch.setattr(InputStatistics, "add_output_error", recording)
    model = make(family, dtype)
    prune(model, recipe(TOWARD), five_windows(), {}, step=ignore_steps)
    count, name = len(model.get_submodule(GROUPS[family][0])), RESIDUAL_LAYER[family]
    assert found == ({f"{GROUPS[family][0]}.{number}.{name}" for number in range(count)} if name else set())


def massive_tokens(hidden: Tensor) -> Tensor:
    """Return (tokens,): True where a token's norm is over ten times the median of its window."""
    found = []
    for window in hidden.view(*five_windows().shape, -1):
        norms = [float(token.norm()) for token in window]
        found += [norm > 10 * sorted(norms)[(len(norms) - 1) // 2] for norm in norms]
    return torch.tensor(found)


def least_squares(inputs: Tensor, target: Tensor, weight: Tensor, mask: Tensor, ridge: float) -> Tensor:
    """Solve each row on its support, held back towards the unpruned weights that give `target`."""
    (tokens, width), energy = inputs.shape, inputs.square().sum(dim=0)
    pull = (DAMPING * energy.mean() + ridge * width / tokens * energy).sqrt().diag()
    stacked = torch.cat([inputs, pull]).to(inputs)
    free = torch.linalg.lstsq(stacked, torch.cat([target, pull.to(inputs) @ weight.T])).solution.T
    solution = torch.zeros_like(weight)
    for row, kept in enumerate(~mask):
        right = stacked @ free[row]
        solution[row, kept] = torch.linalg.lstsq(stacked[:, kept], right[:, None]).solution[:, 0]
    return solution
