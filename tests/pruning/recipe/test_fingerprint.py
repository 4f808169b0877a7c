"""Fingerprints outlive releases: what was computed for a recipe is found under the same one for good."""

import hashlib
import json
from typing import Any

import pytest

from pruning.recipe import Recipe

_BEST: dict[str, Any] = {"refit": {"toward": 0.5, "iterations": 8}, "order": "layers"}
_GUIDED = {"name": "gradient", "band": 0.35}

# They never change once 0.1.0 is out: the default of a field that changes one of them is not None.
FINGERPRINTS: list[tuple[dict[str, Any], str]] = [
    (
        {"model": "org/name", "method": "gblm", "sparsity": 0.5},
        "6068d9e44d31de5206ec8c35be5a6c2fdc93fde2ccb18ea6c9676559145202af",
    ),
    (  # what `best` stood for at that time
        {"model": "org/name", "method": "admm", "sparsity": 0.5, "allocation": _GUIDED, **_BEST},
        "7fbec5f2facbf629cc2329cba13310ff462ba5474872fa392cbd53afab37b7d2",
    ),
    (
        {"model": "org/name", "method": "admm", "pattern": "2:4", **_BEST},
        "91babbc8fedfc9b8c5814e8edd34a26661b93e60ad55e89f3fd443e05bf74c90",
    ),
    (
        {"model": {"id": "/models/m"}, "method": "magnitude", "sparsity": 0.3, "dtype": "float32"},
        "d84ff898133d6abe46786bcaa7514f3bb89845918058ee4eb1e467b60cb603c1",
    ),
    (
        {
            "model": {"id": "org/name", "revision": "main"},
            "method": {"name": "wanda", "selection": "cumulative"},
            "sparsity": 0.6,
            "layers": {"include": ["*.mlp.*"], "exclude": ["*.0.*"]},
        },
        "6872b300d4ee81f5c2632bcd85fb775497fe62fe9619d0ddbdb76a482b99ba28",
    ),
    (
        {
            "model": "org/name",
            "method": {"name": "gradient", "norm": "l2", "inverse": True},
            "sparsity": 0.5,
            "gradients": "/data/gradients.safetensors",
        },
        "529a4e3949c5f57ea940f0a209e2cf8b3328178a06d2f233b2e4d541f4b35b70",
    ),
    (
        {
            "model": "org/name",
            "method": "sparsegpt",
            "pattern": "4:8",
            "refit": True,
            "order": "layers",
        },
        "e75ba3c02c446d7d0d2adeb30905066bb338d41ae5aa9a773a6fc6ad10ffd9d6",
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
        "20ea99f3ffdb9706a1cd807b2bd85c7c7f88cb56234384e661b86404825560de",
    ),
]


@pytest.mark.parametrize(("fields", "fingerprint"), FINGERPRINTS)
def test_a_recipe_keeps_the_fingerprint_that_it_always_had(fields: dict[str, Any], fingerprint: str) -> None:
    assert Recipe.model_validate(fields).fingerprint() == fingerprint


def test_a_fingerprint_is_the_hash_of_all_values_that_are_not_none() -> None:
    recipe = Recipe.model_validate({"model": "org/name", "method": "wanda", "sparsity": 0.5, "swaps": 7})
    values = {
        "model": {"id": "org/name"},
        "norms": [],
        "method": {"name": "wanda", "selection": "share"},
        "pattern": "unstructured",
        "sparsity": 0.5,
        "permute": False,
        "allocation": {"name": "uniform"},
        "layers": {"include": [], "exclude": []},
        "swaps": 7,
        "order": "blocks",
        "calibration": {
            "dataset": "c4",
            "datasets": [],
            "samples": 128,
            "seed": 0,
            "add_bos_token": False,
        },
        "dtype": "auto",
    }
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    assert recipe.fingerprint() == hashlib.sha256(text.encode()).hexdigest()
