import json
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pruning.recipe import METHODS, Calibration, Evaluation, Recipe, group_of
from pruning.recipe.methods import Admm


def recipe(**fields: Any) -> Recipe:
    return Recipe.model_validate({"model": "org/name", "method": "gblm", "sparsity": 0.5, **fields})


def refused_field(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        recipe(**fields)
    return ".".join(str(part) for part in caught.value.errors()[0]["loc"])


@pytest.mark.parametrize("name", METHODS)
def test_a_method_by_its_name_is_the_method_with_its_defaults(name: str) -> None:
    sparsity = None if name == "none" else 0.5
    assert recipe(method=name, sparsity=sparsity).method == METHODS[name]()


@pytest.mark.parametrize("method", ["obd", "", 3, None, {"norm": "l1"}, {"name": "wanda", "alpha": 1.0}])
def test_an_unknown_method_or_option_is_refused(method: object) -> None:
    assert refused_field(method=method).startswith("method")


@pytest.mark.parametrize("sparsity", [0, 1, -1, 1.5, math.nan, math.inf, 10**400, "half", True, None])
def test_a_sparsity_outside_of_zero_to_one_is_refused(sparsity: object) -> None:
    assert refused_field(sparsity=sparsity) == "sparsity"


@pytest.mark.parametrize("sparsity", [0.3, 0.502, math.nan, 1, 10**400])
def test_a_sparsity_that_contradicts_its_pattern_is_refused(sparsity: float) -> None:
    assert refused_field(pattern="2:4", sparsity=sparsity) == "sparsity"


@pytest.mark.parametrize(
    ("pattern", "sparsity"), [("2:4", 0.5), ("4:8", 0.5), ("1:4", 0.75), ("3:4", 0.25), ("16:256", 0.9375)]
)
def test_a_pattern_implies_the_sparsity(pattern: str, sparsity: float) -> None:
    assert recipe(pattern=pattern, sparsity=None).sparsity == sparsity
    # A rounding error of the client's changes neither the recipe nor its fingerprint.
    assert recipe(pattern=pattern, sparsity=sparsity + 0.0009) == recipe(pattern=pattern, sparsity=None)


@pytest.mark.parametrize(
    "pattern", ["4:4", "5:4", "0:4", "2:512", "2:4:8", "2-4", "structured", "02:4", "2:4\n"]
)
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    assert refused_field(pattern=pattern, sparsity=None).startswith("pattern")


def test_group_of_reads_a_pattern() -> None:
    assert group_of("2:4") == (2, 4)
    assert group_of("unstructured") is None


@pytest.mark.parametrize("pattern", ["", "Unstructured", "2:4:8", "5:4", "2:512", "block 4x4"])
def test_group_of_takes_no_other_text_for_unstructured(pattern: str) -> None:
    with pytest.raises(ValueError, match="'unstructured' or 'N:M'"):
        group_of(pattern)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("samples", 0),
        ("samples", 65_537),
        ("samples", 10**400),
        ("samples", 1.5),
        ("sequence_length", 1),
        ("sequence_length", 131_073),
        ("seed", -1),
        ("seed", 2**32),
        ("dataset", "pile"),
        ("dataset", "relative/file.txt"),
        ("dataset", "/data/../etc/passwd"),
    ],
)
def test_calibration_out_of_bounds_is_refused(field: str, value: object) -> None:
    assert refused_field(calibration={field: value}) == f"calibration.{field}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("windows", 0),
        ("windows", 100_001),
        ("sequence_length", 1),
        ("dataset", "pile"),
        ("domains", {"own": "web"}),
    ],
)
def test_evaluation_out_of_bounds_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        Evaluation.model_validate({field: value})


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "a/b/c",
        "../up",
        "org/..",
        "org--name/x",
        "-org/name",
        "org/name ",
        "C:\\x",
        "https://host/x",
        "x" * 2000,
    ],
)
def test_a_malformed_model_id_is_refused(identifier: str) -> None:
    assert refused_field(model=identifier) == "model.id"


@pytest.mark.parametrize("bad", ["\0", "\ud800", "\x1b", "\n", "\x7f"])
def test_nul_control_characters_and_surrogates_are_refused_in_every_string(bad: str) -> None:
    assert refused_field(model={"id": f"/models/{bad}"}) == "model.id"
    assert refused_field(model={"id": "org/name", "revision": f"main{bad}"}) == "model.revision"
    assert refused_field(calibration={"dataset": f"/data/{bad}.txt"}) == "calibration.dataset"
    assert refused_field(pattern=f"2:4{bad}", sparsity=None).startswith("pattern")


def test_a_local_model_has_no_revision() -> None:
    assert refused_field(model={"id": "/models/m", "revision": "main"}) == "model"


def test_an_unknown_field_is_refused_and_its_value_not_echoed() -> None:
    with pytest.raises(ValidationError) as caught:
        recipe(tokne="hunter2")
    assert "tokne" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_fingerprint_does_not_depend_on_how_the_recipe_was_written() -> None:
    spelled_out = Recipe.model_validate_json(
        json.dumps(
            {
                "sparsity": 0.5,
                "calibration": {"samples": 128, "dataset": "c4"},
                "method": {"alpha": 100, "name": "gblm"},
                "model": {"id": "org/name"},
            }
        )
    )
    assert spelled_out.fingerprint() == recipe().fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"model": "org/other"},
        {"model": {"id": "org/name", "revision": "main"}},
        {"method": "wanda"},
        {"method": {"name": "gblm", "norm": "l2"}},
        {"pattern": "2:4"},
        {"sparsity": 0.5000001},
        {"calibration": {"seed": 1}},
        {"dtype": "float64"},
    ],
)
def test_different_recipes_have_different_fingerprints(change: dict[str, Any]) -> None:
    assert recipe(**change).fingerprint() != recipe().fingerprint()


@given(st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True))
def test_any_sparsity_survives_json_with_its_fingerprint(sparsity: float) -> None:
    original = recipe(sparsity=sparsity)
    assert Recipe.model_validate_json(original.model_dump_json()).fingerprint() == original.fingerprint()


def test_the_recipe_needs_no_torch() -> None:
    code = "import sys, pruning.recipe; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_best_is_expanded_in_the_recipe() -> None:
    best = recipe(method="best")
    # 128 windows of 2,048 tokens: 32 times those up to which the ridge is 4.
    admm, refit = {"name": "admm", "ridge": 4 / 32}, {"toward": 0.5, "ridge": 4 / 32, "iterations": 8}
    assert best == recipe(method=admm, refit=refit, allocation=best.allocation, order="layers")
    assert best.allocation.name == "gradient"
    assert best.needs == {"second_moments", "activation_error", "gradient_norms"}
    assert best.gradient_norms == {"l2"}
    assert Recipe.model_validate_json(best.model_dump_json()) == best
    assert recipe(method="best", pattern="2:4", sparsity=None).allocation.name == "uniform"


@pytest.mark.parametrize(
    ("calibration", "ridge"),
    [
        ({"samples": 16, "sequence_length": 512}, 4),
        ({"samples": 1, "sequence_length": 512}, 4),
        ({"samples": 64, "sequence_length": 512}, 1),
        ({"samples": 8}, 2),  # of 2,048 tokens, the usual length
        (Calibration(samples=32, sequence_length=2_048), 0.5),
    ],
)
@pytest.mark.parametrize("preset", ["best", "recovered"])
def test_the_ridge_of_a_preset_falls_with_the_text(preset: str, calibration: Any, ridge: float) -> None:
    made = recipe(method=preset, calibration=calibration)
    assert isinstance(made.method, Admm)
    assert made.refit is not None
    assert made.method.ridge == made.refit.ridge == ridge


def test_a_preset_with_a_calibration_that_is_refused_names_the_field() -> None:
    assert refused_field(method="best", calibration={"samples": 0}) == "calibration.samples"


@pytest.mark.parametrize("pattern", [{}, {"pattern": "2:4", "sparsity": None}])
def test_recovered_is_best_and_a_training_on_131072_tokens(pattern: dict[str, Any]) -> None:
    recovered, best = recipe(method="recovered", **pattern), recipe(method="best", **pattern)
    assert recovered.distil is not None
    assert recovered.distil.tokens == 131_072
    assert recovered == recipe(method="best", recovery={"distil": True}, **pattern)
    assert recovered.model_dump(exclude={"recovery"}) == best.model_dump(exclude={"recovery"})
    assert best.recovery is None
    assert recovered.fingerprint() != best.fingerprint()
    assert Recipe.model_validate_json(recovered.model_dump_json()) == recovered


@pytest.mark.parametrize(
    ("preset", "decided"),
    [
        *(
            ("best", decided)
            for decided in ({"refit": False}, {"allocation": "uniform"}, {"order": "layers"})
        ),
        ("recovered", {"recovery": {"distil": {"state": "8-bit"}}}),
        ("recovered", {"order": "blocks"}),
    ],
)
def test_a_preset_refuses_options_that_it_decides(preset: str, decided: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=f"'{preset}' decides {next(iter(decided))}"):
        recipe(method=preset, **decided)


def test_a_preset_has_no_options_of_a_method() -> None:
    with pytest.raises(ValidationError, match="'best' decides the options of its method; leave out ridge"):
        recipe(method={"name": "best", "ridge": 2})


def test_refit_is_on_off_or_has_options() -> None:
    assert recipe().refit is None
    assert recipe(refit=False) == recipe()
    assert recipe(refit=True) == recipe(refit={"iterations": 20})
    assert recipe(method="wanda", refit=True).needs == {"input_norms", "second_moments"}


def test_the_norms_of_method_and_allocation_are_both_computed() -> None:
    assert recipe(allocation="gradient").gradient_norms == {"l1", "l2"}
    assert recipe(method="wanda").gradient_norms == set()


def test_an_nm_pattern_refuses_an_allocation_and_a_selection() -> None:
    assert refused_field(pattern="2:4", sparsity=None, allocation="owl").startswith("allocation")
    method = {"name": "wanda", "selection": "cumulative"}
    assert refused_field(pattern="2:4", sparsity=None, method=method) == "pattern"


def test_the_cumulative_selection_refuses_an_allocation() -> None:
    method = {"name": "wanda", "selection": "cumulative"}
    assert refused_field(method=method, allocation="owl").startswith("allocation")


@pytest.mark.parametrize(
    ("weights", "samples", "counts"),
    [
        ([1, 1], 5, [3, 2]),
        ([0.1, 0.2, 0.7], 10, [1, 2, 7]),
        ([3, 3, 3], 8, [3, 3, 2]),
        ([1e-3, 1], 2000, [2, 1998]),
        ([1], 9, [9]),
    ],
)
def test_samples_are_split_over_datasets_by_largest_remainder(
    weights: list[float], samples: int, counts: list[int]
) -> None:
    datasets = [{"dataset": "builtin", "weight": weight} for weight in weights]
    shares = Calibration.model_validate({"datasets": datasets, "samples": samples}).shares
    assert [share.samples for share in shares] == counts
    assert [share.field for share in shares] == [
        f"calibration.datasets.{number}.dataset" for number in range(len(weights))
    ]


def test_a_calibration_on_several_datasets_survives_json() -> None:
    original = recipe(calibration={"datasets": [{"dataset": "c4", "weight": 2}, {"dataset": "builtin"}]})
    assert original.calibration.dataset is None
    assert Recipe.model_validate_json(original.model_dump_json()) == original
    assert Recipe.model_validate(original.model_dump(mode="json")) == original


@pytest.mark.parametrize(
    ("calibration", "field"),
    [
        ({"dataset": "c4", "datasets": [{"dataset": "builtin"}]}, "datasets"),
        ({"dataset": None}, "datasets"),
        ({"dataset": None, "datasets": []}, "datasets"),
        ({"datasets": [{"dataset": "builtin"}] * 17}, "datasets"),
        ({"datasets": [{"dataset": "builtin"}, {"dataset": "web"}]}, "datasets.1.dataset"),
        ({"datasets": [{"dataset": "builtin", "weight": 0}]}, "datasets.0.weight"),
        ({"datasets": [{"dataset": "builtin", "weight": math.inf}]}, "datasets.0.weight"),
        ({"datasets": [{"dataset": "builtin"}, {"dataset": "c4", "weight": 0.01}], "samples": 9}, "samples"),
        ({"datasets": [{"dataset": "builtin"}, {"dataset": "c4", "weight": 1e-4}]}, "samples"),
    ],
)
def test_datasets_that_contradict_each_other_are_refused(calibration: object, field: str) -> None:
    assert refused_field(calibration=calibration) == f"calibration.{field}"


def test_of_the_preset_recovered_only_the_tokens_of_training_may_be_chosen() -> None:
    fewer = recipe(method="recovered", recovery={"distil": {"tokens": 4096}})
    assert fewer == recipe(method="best", recovery={"distil": {"tokens": 4096}})
    for recovery in (
        {},
        {"distil": {}},
        {"distil": True},
        {"distil": {"tokens": 4096, "state": "8-bit"}},
    ):
        with pytest.raises(ValidationError, match=r"decides recovery but for recovery\.distil\.tokens"):
            recipe(method="recovered", recovery=recovery)
