"""Selections of layers by name patterns, in pruning and in gradient passes."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from pruning.calibration.gradient_pass import gradient_norms
from pruning.errors import InvalidInput
from pruning.methods.prune_blocks import prune
from pruning.models.blocks import prunable_stack
from pruning.recipe import Recipe
from tests.pruning.families import make
from tests.pruning.pruned import ignore_steps

MLP_OF_BLOCK_1 = [f"model.layers.1.mlp.{name}_proj" for name in ("gate", "up", "down")]


def recipe(**fields: object) -> Recipe:
    return Recipe.model_validate({"model": "/any", "method": "gblm", "sparsity": 0.5, **fields})


def selected(include: list[str], exclude: list[str]) -> list[str]:
    stack = prunable_stack(make("llama"), recipe(layers={"include": include, "exclude": exclude}))
    return [layer.name for layer in stack.layers]


def test_globs_select_layers() -> None:
    assert len(selected([], [])) == 21
    assert selected(["*.1.mlp.*"], []) == MLP_OF_BLOCK_1
    assert selected(["*.1.mlp.*", "*.1.*.q_proj"], ["*.up_proj"]) == [
        "model.layers.1.self_attn.q_proj",
        *MLP_OF_BLOCK_1[::2],
    ]
    assert selected([], ["*.layers.[02].*", "*.self_attn.?_proj"]) == MLP_OF_BLOCK_1


@pytest.mark.parametrize("field", ["include", "exclude"])
def test_a_pattern_that_matches_no_layer_is_refused_with_its_field(field: str) -> None:
    with pytest.raises(InvalidInput, match=r"'lm_head' matches no layer .* model\.layers\.0") as refused:
        prunable_stack(make("llama"), recipe(layers={field: ["*.mlp.*", "lm_head"]}))
    assert refused.value.field == f"layers.{field}"


def test_patterns_that_leave_no_layer_are_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        prunable_stack(make("llama"), recipe(layers={"include": ["*.mlp.*"], "exclude": ["*.mlp.*"]}))
    assert refused.value.field == "layers.exclude"


@pytest.mark.parametrize(
    "more",
    [{}, {"order": "layers"}, {"allocation": "gradient", "refit": True}, {"allocation": "owl"}],
    ids=["plain", "order", "gradient", "owl"],
)
def test_only_the_selected_layers_change(more: dict[str, Any], three_windows: Tensor) -> None:
    model, dense = make("llama"), make("llama")
    selecting = recipe(layers={"include": ["*.1.mlp.*"]}, **more)
    norms = gradient_norms(
        model, three_windows, norms=selecting.gradient_norms, step=ignore_steps, selection=selecting.layers
    )
    assert {name for norm in norms.values() for name in norm} == set(MLP_OF_BLOCK_1)

    result = prune(model, selecting, three_windows, norms, step=ignore_steps)

    assert [layer.name for layer in result.layers] == MLP_OF_BLOCK_1
    assert result.sparsity == 0.5
    changed = {
        name
        for name, parameter in model.named_parameters()
        if not torch.equal(parameter, dense.get_parameter(name))
    }
    assert changed == {f"{name}.weight" for name in MLP_OF_BLOCK_1}


@pytest.mark.parametrize("globs", [["*"] * 65, ["a" * 257], [""], ["a\x00"], [1], "*.mlp.*"])
def test_malformed_patterns_are_refused(globs: object) -> None:
    with pytest.raises(ValidationError):
        recipe(layers={"include": globs})
