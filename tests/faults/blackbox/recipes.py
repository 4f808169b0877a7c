"""A tiny model, a text, and two recipes: one with every stage of a job, one that ends within a second."""

import pydoc_data.topics
from pathlib import Path

STAGES = ("resolve", "gradients", "cut", "prune", "recover", "evaluate", "upload")
"""The stages of `FULL`."""

FULL = "full"
SHORT = "short"

MEASUREMENTS = {"README.md", "pruning_report.json"}
"""Artifacts that contain times: no two runs write the same. All others must be equal."""


def write_inputs(directory: Path) -> None:
    """Write a random model of two blocks, and English prose that every Python has."""
    from tests.small_model import write_small_model

    write_small_model(directory / "small", blocks=2)
    text = "\n".join(pydoc_data.topics.topics.values())[:100_000]
    (directory / "topics.txt").write_text(text)


def request_of(recipe: str, directory: Path) -> dict[str, object]:
    """Return the body of `POST /v1/jobs`."""
    text = str(directory / "topics.txt")
    body: dict[str, object] = {
        "model": str(directory / "small"),
        "sparsity": 0.5,
        "calibration": {"dataset": text, "samples": 8, "sequence_length": 32, "seed": 0},
        "evaluation": {"dataset": text, "sequence_length": 32, "windows": 4, "speed": "off"},
        "save_masks": True,
    }
    if recipe == SHORT:
        return body | {"method": "magnitude"}
    return body | {
        "method": "gblm",
        "structure": {"mlp_channels": 0.25},
        "recovery": {"distil": {"tokens": 10_000}},
        "calibration": {"dataset": text, "samples": 128, "sequence_length": 32, "seed": 0},
        "evaluation": {"dataset": text, "sequence_length": 32, "windows": 100, "speed": "off"},
    }
