"""What a recipe may say about structure, alone and together with a method."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from pruning.recipe import Recipe, StructureOptions


def recipe(**fields: Any) -> Recipe:
    return Recipe.model_validate({"model": "org/name", **fields})


def refused(**fields: Any) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        recipe(**fields)
    error = caught.value.errors()[0]
    return ".".join(str(part) for part in error["loc"]), error["msg"]


CUT = {"structure": {"mlp_channels": 0.25}}


def test_a_cut_alone_masks_nothing() -> None:
    alone = recipe(**CUT)
    assert alone.method is None
    assert alone.sparsity == 0
    assert alone.method_name == "structure"
    assert alone.needs == frozenset()
    assert alone.reads_text
    assert Recipe.model_validate_json(alone.model_dump_json()) == alone


def test_experts_are_ranked_by_a_measure_of_their_own() -> None:
    assert not StructureOptions(experts=0.25).ranks


def test_a_mask_may_follow_a_cut() -> None:
    both = recipe(**CUT, method="gblm", sparsity=0.5)
    assert both.gradient_norms == {"l1"}
    assert both.fingerprint() != recipe(method="gblm", sparsity=0.5).fingerprint()
    assert recipe(**CUT, method="wanda", pattern="2:4").sparsity == 0.5


def test_one_of_both_is_required() -> None:
    assert refused(sparsity=0.5) == ("method", "is required unless structure or norms is given")
    assert refused(**CUT, method="gblm")[0] == "sparsity"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sparsity", 0.5),
        ("pattern", "2:4"),
        ("allocation", "owl"),
        ("refit", True),
        ("order", "layers"),
        ("layers", {"include": ["*"]}),
        ("gradients", "/norms.safetensors"),
    ],
)
def test_what_only_a_mask_has_is_refused_without_a_method(field: str, value: object) -> None:
    assert refused(**CUT, **{field: value})[0].split(".")[0] == field


def test_gradients_of_the_dense_model_do_not_fit_what_is_left() -> None:
    field, message = refused(**CUT, method="gblm", sparsity=0.5, gradients="/norms.safetensors")
    assert field == "gradients"
    assert "dense model" in message


def test_a_multiple_without_a_width_to_round_is_refused() -> None:
    for kind in ("kv_heads", "experts"):
        field, message = refused(structure={kind: 1, "multiple_of": 64})
        assert field == "structure"
        assert "none is cut" in message
    for kind in ("mlp_channels", "parameters"):
        assert StructureOptions.model_validate({kind: 0.25, "multiple_of": 64}).multiple_of == 64


def test_what_a_cut_has_left_can_be_distilled() -> None:
    assert recipe(**CUT, recovery={"distil": True}).distil is not None
    assert recipe(**CUT, method="recovered", sparsity=0.5).distil is not None
    assert recipe(**CUT, method="none", recovery={"distil": True}).distil is not None


def test_the_dense_model_is_not_distilled_into_itself() -> None:
    assert refused(method="none", recovery={"distil": True})[0] == "recovery"


def test_a_sparsity_of_nothing_is_refused_with_a_method() -> None:
    assert refused(method="gblm", sparsity=0) == ("sparsity", "Input should be greater than 0")


@pytest.mark.parametrize(
    "structure",
    [
        {},
        {"mlp_channels": 0},
        {"mlp_channels": 1.5},
        {"mlp_channels": -3},
        {"mlp_channels": "0.25"},
        {"kv_heads": 1e9},
        {"parameters": 1.0},
        {"parameters": 0.3, "kv_heads": 1},
        {"parameters": 0.3, "experts": 2},
        {"kv_heads": 2.5},
        {"mlp_channels": 100, "multiple_of": 64},
        {"heads": 0.25},
    ],
    ids=str,
)
def test_a_structure_that_says_nothing_or_too_much_is_refused(structure: dict[str, Any]) -> None:
    assert refused(structure=structure)[0].startswith("structure")


@pytest.mark.parametrize("kind", ["mlp_channels", "kv_heads", "experts"])
def test_one_unit_is_written_without_a_point_which_may_mean_all(kind: str) -> None:
    with pytest.raises(ValidationError, match="may mean all units or one of them: write 1 for one"):
        recipe(structure={kind: 1.0})
    with pytest.raises(ValidationError, match="may mean all units"):
        Recipe.model_validate_json(json.dumps({"model": "org/name", "structure": {kind: 1.0}}))
    one = recipe(structure={kind: 1})
    assert f'"{kind}":1,' in one.model_dump_json()
    for stored in (one.model_dump_json(), json.dumps(one.model_dump(mode="json"))):
        assert Recipe.model_validate_json(stored) == one
    assert recipe(structure={kind: 2.0}) == recipe(structure={kind: 2})
