"""Fingerprints outlive releases: what was computed for a recipe is found under the same one for good."""

import hashlib
import json
from typing import Annotated, Any

import pytest

from pruning.recipe import Recipe
from pruning.recipe.fields import OMIT_DEFAULT_FROM_FINGERPRINT, StrictModel

_BEST: dict[str, Any] = {"refit": {"toward": 0.5, "iterations": 8}, "order": "layers"}
_GUIDED = {"name": "gradient", "band": 0.35}

# They never change once 0.1.0 is out: a field that changes one of them lacks OMIT_DEFAULT_FROM_FINGERPRINT.
FINGERPRINTS: list[tuple[dict[str, Any], str]] = [
    (
        {"model": "org/name", "method": "gblm", "sparsity": 0.5},
        "43bac6037552aa5567772658ab35fa394d339b4ca88de81d8828a5b6265d9d83",
    ),
    (  # a name for the same recipe
        {"model": "org/name", "method": "fast", "sparsity": 0.5},
        "43bac6037552aa5567772658ab35fa394d339b4ca88de81d8828a5b6265d9d83",
    ),
    (  # what `best` stood for at that time
        {"model": "org/name", "method": "admm", "sparsity": 0.5, "allocation": _GUIDED, **_BEST},
        "40dbe1a27942c198c2c0b81457a274aa5a0140bbfa6cab1a55f3d69242b077c2",
    ),
    (
        {"model": "org/name", "method": "admm", "pattern": "2:4", **_BEST},
        "217b4c0678b758b364c57c38a35ea782805264d58697594cbace922f746ddc85",
    ),
    (
        {"model": {"id": "/models/m"}, "method": "magnitude", "sparsity": 0.3, "dtype": "float32"},
        "0c14c42d86d5e67649ec3b4e6e1fa48ea1642686d76409e403d66cb0afd3aea5",
    ),
    (
        {
            "model": {"id": "org/name", "revision": "main"},
            "method": {"name": "wanda", "selection": "cumulative"},
            "sparsity": 0.6,
            "layers": {"include": ["*.mlp.*"], "exclude": ["*.0.*"]},
        },
        "3dbab0ec49a4675adb33b86e33dd5da0477229660f37fba460463a8862390ec4",
    ),
    (
        {
            "model": "org/name",
            "method": {"name": "gradient", "norm": "l2", "inverse": True},
            "sparsity": 0.5,
            "gradients": "/data/gradients.safetensors",
        },
        "ce892c2814b7fbda8aad904f3c6f8f65c82fac7584396c64dd64287e51d7ec5b",
    ),
    (
        {
            "model": "org/name",
            "method": "sparsegpt",
            "pattern": "4:8",
            "refit": True,
            "order": "layers",
        },
        "8cd4a9232206ad4fdcb9f7291a56fd160426b4f8f3c961e41efd52454d96da4a",
    ),
    (
        {
            "model": "org/name",
            "method": "ria",
            "sparsity": 0.7,
            "allocation": {"name": "owl", "band": 0.05},
            "calibration": {
                "datasets": [{"dataset": "c4", "weight": 3}, {"dataset": "builtin"}],
                "samples": 64,
                "sequence_length": 512,
                "seed": 7,
            },
        },
        "475d4cb1fce978d2f52bbe115ee5f8def5398eabce32fba041d695ca58047724",
    ),
]


@pytest.mark.parametrize(("fields", "fingerprint"), FINGERPRINTS)
def test_a_recipe_keeps_the_fingerprint_that_it_always_had(fields: dict[str, Any], fingerprint: str) -> None:
    assert Recipe.model_validate(fields).fingerprint() == fingerprint


class Part(StrictModel):
    old: int = 1
    new: Annotated[int | None, OMIT_DEFAULT_FROM_FINGERPRINT] = None


class Whole(StrictModel):
    part: Part = Part()
    parts: tuple[Part, ...] = ()
    new: Annotated[Part, OMIT_DEFAULT_FROM_FINGERPRINT] = Part(old=7)


@pytest.mark.parametrize(
    ("whole", "text"),
    [
        (Whole(), {"part": {"old": 1}, "parts": []}),
        (Whole(new=Part(old=7)), {"part": {"old": 1}, "parts": []}),
        (Whole(new=Part()), {"part": {"old": 1}, "parts": [], "new": {"old": 1}}),
        (Whole(part=Part(new=1)), {"part": {"old": 1, "new": 1}, "parts": []}),
        (
            Whole(parts=(Part(), Part(new=2))),
            {"part": {"old": 1}, "parts": [{"old": 1}, {"old": 1, "new": 2}]},
        ),
    ],
)
def test_a_new_field_is_in_the_canonical_values_only_where_it_is_used(
    whole: Whole, text: dict[str, Any]
) -> None:
    assert whole.canonical() == text


def test_without_new_fields_the_fingerprint_is_the_hash_of_all_values() -> None:
    recipe = Recipe.model_validate({"model": "org/name", "method": "gblm", "sparsity": 0.5})
    names = {"model", "method", "pattern", "sparsity", "allocation", "layers", "refit", "order", "gradients"}
    values = recipe.model_dump(mode="json", include=names | {"calibration", "dtype"})
    assert values["calibration"].pop("add_bos_token") is False
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    assert recipe.fingerprint() == hashlib.sha256(text.encode()).hexdigest()
