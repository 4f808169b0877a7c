"""A job's report as a worker writes it and the API serves it."""

import json
from typing import Any

from pruning.report import Report


def layer(name: str, zeros: int, weights: int) -> dict[str, Any]:
    return {"name": name, "block": 0, "shape": [1, weights], "zeros": zeros, "weights": weights}


REPORT: dict[str, Any] = {
    "recipe": {"model": "org/name", "method": "wanda", "sparsity": 0.5},
    "recipe_fingerprint": "0" * 64,
    "evaluation": {"dataset": "builtin", "sequence_length": 4, "windows": 2},
    "model": {
        "id": "org/name",
        "commit": "1" * 40,
        "digest": None,
        "architecture": "LlamaForCausalLM",
        "parameters": 100,
        "blocks": 1,
    },
    "calibration": None,
    "sparsity": {"layers": [layer("a", 1, 2), layer("b", 1, 8)]},
    "perplexity": {
        "dense": 8.0,
        "pruned": 10.0,
        "definition": "Exp of something.",
        "dataset": "builtin",
        "windows": 2,
        "sequence_length": 4,
        "fingerprint": "2" * 64,
    },
    "stages": [{"name": "prune", "seconds": 1.5, "peak_memory_bytes": 10}],
    "environment": {
        "python": "3",
        "torch": "2",
        "transformers": "5",
        "pruneserve": "0",
        "device": "cpu",
        "dtype": "float32",
        "threads": 1,
        "attention": "sdpa",
    },
}
"""The fields that a report needs."""


def export(name: str, size: int, kl: float | None, **more: object) -> dict[str, Any]:
    """What a report has of an exported file, or of a directory."""
    kind = name.partition(":")[2]
    is_file = name.startswith("gguf:")
    return {
        "name": name,
        "path": f"exports/name-{kind}.gguf" if is_file else f"exports/compressed-tensors-{kind}",
        "bytes": size,
        "dense_bytes": 400_000,
        "sha256": "a" * 64 if is_file else None,
        "evaluator": "llama.cpp b1" if is_file else "transformers",
        "perplexity": 10.0,
        "dense_perplexity": 8.0,
        "increase": 0.25,
        "kl": kl,
        "agreement": None if kl is None else 0.75,
        "intervals": None,
        "window_losses": [],
        "windows": 8,
        "sequence_length": 512,
        "rates": [],
        "types": {},
        "warnings": [],
        **more,
    }


def report_document(**more: object) -> dict[str, Any]:
    """A report as it is served: checked and written by the schema of the server, with its computed fields."""
    report = Report.model_validate_json(json.dumps(REPORT | more))
    document: dict[str, Any] = report.model_dump(mode="json")
    return document
