"""The estimate of a recipe with structure, against the shape of the config that the cut leaves."""

from typing import Any

import pytest

from pruning.estimate import ASSUMED, Estimate
from pruning.estimate.architectures import shape_of_config
from pruning.estimate.smaller import smaller_shape
from pruning.recipe import Evaluation, Recipe, Stage, StructureOptions

LLAMA = {
    "model_type": "llama",
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 64,
    "vocab_size": 1000,
}
OPT = {
    "model_type": "opt",
    "hidden_size": 512,
    "ffn_dim": 2048,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "vocab_size": 1000,
    "max_position_embeddings": 128,
}


@pytest.mark.parametrize(
    ("config", "structure", "changed"),
    [
        (LLAMA, {"mlp_channels": 0.25}, {"intermediate_size": 768}),
        (LLAMA, {"mlp_channels": 24}, {"intermediate_size": 1000}),
        (LLAMA, {"kv_groups": 0.5}, {"num_attention_heads": 4, "num_key_value_heads": 2}),
        (
            LLAMA,
            {"parameters": 0.5},
            {"intermediate_size": 512, "num_attention_heads": 4, "num_key_value_heads": 2},
        ),
        (OPT, {"mlp_channels": 0.5}, {"ffn_dim": 1024}),
    ],
)
def test_the_shape_is_that_of_the_smaller_config(
    config: dict[str, Any], structure: dict[str, Any], changed: dict[str, int]
) -> None:
    found = smaller_shape(shape_of_config(config), StructureOptions.model_validate(structure))
    assert found == shape_of_config({**config, **changed})


def estimate(**fields: object) -> Estimate:
    recipe = Recipe.model_validate({"model": "org/name", **fields})
    return Estimate.of(recipe, Evaluation(), shape_of_config(LLAMA), ASSUMED)


def test_the_stages_are_those_that_run() -> None:
    alone = estimate(structure={"mlp_channels": 0.5})
    assert [stage.name for stage in alone.stages] == ["resolve", "gradients", "cut", "evaluate", "upload"]
    both = estimate(structure={"mlp_channels": 0.5, "importance": "magnitude"}, method="gblm", sparsity=0.5)
    assert [stage.name for stage in both.stages] == [
        *("resolve", "cut", "gradients", "prune", "evaluate", "upload"),
    ]
    masked = estimate(method="gblm", sparsity=0.5)
    assert [stage.name for stage in masked.stages] == ["resolve", "gradients", "prune", "evaluate", "upload"]
    assert alone.output_bytes < masked.output_bytes


def test_gates_and_norms_share_one_entry_of_seconds() -> None:
    both = estimate(structure={"mlp_channels": 0.5}, method="gblm", sparsity=0.5)
    of_gradients = [stage.seconds for stage in both.stages if stage.name == Stage.GRADIENTS]
    assert len(of_gradients) == 2
    assert both.seconds_by_stage[Stage.GRADIENTS] == pytest.approx(sum(of_gradients))
