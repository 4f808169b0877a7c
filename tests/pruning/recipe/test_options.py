from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from pruning.recipe import Evaluation, Recipe, RecoveryOptions
from pruning.recipe.options import OPTIONS, request_body

# Given by a file only: gradient norms, which are a file of this machine. The option of the evaluation's text
# gives those of domains as well, as NAME=DATASET.
WITHOUT_OPTION = {"gradients", "evaluation.domains"}


def fields_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The dotted names of a model's fields, those of nested models in place of the model."""
    for name, field in model.model_fields.items():
        kind = RecoveryOptions if name == "recovery" else field.annotation
        if name not in ("method", "allocation") and isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields_of(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_field_of_a_recipe_and_of_an_evaluation_has_an_option() -> None:
    fields = {*fields_of(Recipe), *fields_of(Evaluation, "evaluation.")} - WITHOUT_OPTION
    named = {option.field.removesuffix(".name") for option in OPTIONS}
    assert named == fields


def test_options_have_different_names_and_identifiers() -> None:
    flags = [flag for option in OPTIONS for flag in option.flags]
    assert len(flags) == len(set(flags))
    assert all(option.variable.isidentifier() for option in OPTIONS)


def test_options_make_the_body_of_a_request() -> None:
    given: Mapping[str, Any] = {
        "model": "org/name",
        "method": "gblm",
        "option": ["norm=l2", "alpha=10", "inverse=true"],
        "sparsity": 0.5,
        "allocation": "owl",
        "allocation-option": ["band=0.1"],
        "refit": True,
        "refit-option": ["iterations=5"],
        "distil": True,
        "distil-option": ["tokens=2048", "dataset=builtin"],
        "mix": ["c4=3", "builtin", "/texts/a=b.txt=0.5", "c4=many"],
        "sequence-length": 64,
        "task": ["piqa", "rte"],
        "seed": None,
    }
    assert request_body(given) == {
        "model": {"id": "org/name"},
        "method": {"name": "gblm", "norm": "l2", "alpha": 10, "inverse": True},
        "sparsity": 0.5,
        "allocation": {"name": "owl", "band": 0.1},
        "refit": {"iterations": 5},
        "recovery": {"distil": {"tokens": 2048, "dataset": "builtin"}},
        "calibration": {
            "datasets": [
                {"dataset": "c4", "weight": 3.0},
                {"dataset": "builtin"},
                {"dataset": "/texts/a=b.txt", "weight": 0.5},
                {"dataset": "c4", "weight": "many"},
            ],
            "sequence_length": 64,
        },
        "evaluation": {"tasks": ["piqa", "rte"]},
    }
