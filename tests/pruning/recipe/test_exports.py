"""Which exports a request may name."""

from typing import Any

import pytest
from pydantic import ValidationError

from pruning.recipe import Recipe
from pruning.recipe.exports import CompressedTensorsExport, parse_exports


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["gguf:Q9_9"], "is not a GGUF type; use one of F16, BF16, Q8_0"),
        (
            ["onnx:int8"],
            "must be a name such as gguf:Q8_0, gguf:Q4_0:gradients, compressed-tensors:fp8 or mask",
        ),
        (["gguf:Q4_0:weights"], "'activations' or 'gradients'"),
        (["gguf:Q8_0:gradients"], "importance is gradients, and Q8_0 is rounded without one; leave it out"),
        (["compressed-tensors:w2a2"], "'fp8' or 'w4a16'"),
        (["gguf:F16", "gguf:F16"], "names gguf:F16 twice"),
        (
            [{"format": "compressed-tensors", "scheme": "fp8", "group_size": 64}],
            "group_size is 64, and fp8 has no groups; leave it out",
        ),
    ],
)
def test_an_export_that_does_not_exist_is_refused(names: list[Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_exports(names)
    assert message in str(caught.value)


def test_groups_are_of_64_weights_by_default() -> None:
    (export,) = parse_exports(["compressed-tensors:w4a16"])
    assert isinstance(export, CompressedTensorsExport)
    assert (export.weights_per_group, export.bits) == (64, 4.25)
    assert parse_exports([export.model_dump()]) == (export,)
    (fp8,) = parse_exports(["compressed-tensors:fp8"])
    assert parse_exports([fp8.model_dump()]) == (fp8,)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"sparsity": 0.5}, "sparsity"),
        ({"pattern": "2:4"}, "pattern"),
        ({"refit": {}}, "refit"),
        ({"swaps": 3}, "swaps"),
    ],
)
def test_no_pruning_goes_with_no_option_of_a_mask(fields: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError, match="name a method that prunes") as caught:
        Recipe.model_validate({"model": "org/name", "method": "none", **fields})
    assert caught.value.errors()[0]["loc"] == (field,)
