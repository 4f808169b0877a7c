"""Shapes from a config are compared with the models that transformers builds from it."""

import json
from collections import Counter

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from pruning.estimate import ModelShape, UnknownShape, shape_of_config, work
from pruning.estimate.shape import BlockShape, smaller_shape
from pruning.estimate.work import Windows
from pruning.models.blocks import find_stack
from pruning.models.memory import shape_of
from pruning.recipe import Recipe, StructureOptions
from tests.pruning.families import ALL_FAMILIES, EACH_FAMILY, make


def matrices(shape: ModelShape) -> list[Counter[tuple[int, int, float]]]:
    return [
        sum(
            (Counter({(m.outputs, m.inputs, m.share): m.copies}) for m in block.matrices),
            Counter[tuple[int, int, float]](),
        )
        for block in shape.blocks
    ]


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_the_shape_from_a_config_is_that_of_the_model(family: str) -> None:
    model = make(family)
    config = json.loads(model.config.to_json_string(use_diff=True))  # as it is saved
    shape = shape_of_config(config)
    found = shape_of(find_stack(model), stored_dtype="float32")
    assert matrices(shape) == matrices(found)
    assert [block.attention for block in shape.blocks] == [block.attention for block in found.blocks]
    assert shape.model_type == config["model_type"] == found.model_type
    assert (shape.hidden, shape.vocabulary) == (found.hidden, found.vocabulary)
    blocks = ALL_FAMILIES[family].blocks
    tables = [
        parameter.numel()
        for name, parameter in model.named_parameters()
        if not name.startswith(f"{blocks}.") and parameter.ndim == 2
    ]
    assert shape.embeddings == sum(tables)
    # Biases, norms and routers are left out; in models this small they are as much as this.
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert 0.97 * parameters < shape.parameters <= parameters


@pytest.mark.parametrize(
    "structure",
    [{"experts": 0.5}, {"experts": 1}, {"mlp_channels": 0.5}, {"kv_heads": 0.5}, {"kv_heads": 1}],
    ids=str,
)
@pytest.mark.parametrize("family", ["mixtral", "qwen2_moe", "qwen3_moe"])
def test_a_cut_leaves_the_same_of_the_shape_from_a_config_as_of_that_of_the_model(
    family: str, structure: dict[str, float]
) -> None:
    model, options = make(family), StructureOptions.model_validate(structure)
    config = shape_of_config(json.loads(model.config.to_json_string(use_diff=True)))
    expected, found = (
        smaller_shape(shape, options)
        for shape in (config, shape_of(find_stack(model), stored_dtype="float32"))
    )
    assert matrices(found) == matrices(expected)
    assert expected.block_weights < config.block_weights
    assert found.key_value_heads == expected.key_value_heads


def test_less_than_a_hundredth_of_a_real_model_is_left_out() -> None:
    config = LlamaConfig()  # LLaMA-7B's
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert parameters == 6_738_415_616
    shape = shape_of_config(json.loads(config.to_json_string(use_diff=True)))
    assert 0.999 * parameters < shape.parameters < parameters


LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 100,
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model_type": "mamba"}, "worker"),
        ({"hidden_size": None}, "hidden_size"),
        ({"num_hidden_layers": 10**12}, "num_hidden_layers"),
        ({"intermediate_size": -1}, "intermediate_size"),
        ({"vocab_size": True}, "vocab_size"),
        ({"num_attention_heads": "4"}, "num_attention_heads"),
        ({"dtype": "int8"}, "dtype"),
    ],
)
def test_an_incomplete_config_is_refused_and_not_guessed(changed: dict[str, object], message: str) -> None:
    shape_of_config(LLAMA)
    with pytest.raises(UnknownShape, match=message):
        shape_of_config(LLAMA | changed)


@pytest.mark.parametrize("dtype", [{}, {"torch_dtype": "float16"}, {"dtype": "float8_e4m3fn"}], ids=str)
def test_a_quantised_model_counts_as_the_bfloat16_that_it_is_dequantised_to(dtype: dict[str, str]) -> None:
    shape = shape_of_config(LLAMA | dtype | {"quantization_config": {"quant_method": "fp8"}})
    assert (shape.stored_dtype, shape.is_quantised) == ("bfloat16", True)


@pytest.mark.threat
def test_the_work_of_a_cut_grows_with_the_layers_of_a_config_and_not_with_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A config of a few bytes may claim ten thousand of them, and the API estimates it before any job runs.
    asked = 0

    def has_experts(_: BlockShape) -> bool:
        nonlocal asked
        asked += 1
        return False

    monkeypatch.setattr(BlockShape, "has_experts", property(has_experts))
    of_layers = []
    for layers in (100, 200):
        asked = 0
        values = LlamaConfig(num_hidden_layers=layers).to_dict() | {"dtype": "float32"}
        work.cutting(StructureOptions(mlp_channels=0.5), shape_of_config(values), Windows(8, 128))
        of_layers.append(asked)
    assert 0 < of_layers[1] <= 2 * of_layers[0]


def test_experts_take_the_same_work_from_a_config_as_from_the_model() -> None:
    model = make("mixtral")
    recipe = Recipe.model_validate(
        {"model": "/any", "method": "admm", "sparsity": 0.5, "refit": {"toward": 0.5}, "order": "layers"}
    )
    from_config = shape_of_config(json.loads(model.config.to_json_string(use_diff=True)))
    from_model = shape_of(find_stack(model), stored_dtype="float32")
    expected, found = (work.pruning(recipe, shape, Windows(4, 32)) for shape in (from_config, from_model))
    assert found.products == pytest.approx(expected.products)
    assert found.attention == pytest.approx(expected.attention)
