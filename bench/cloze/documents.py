"""The questions of the task in this folder, as lm-evaluation-harness asks for them."""

import json
from pathlib import Path
from typing import Any

import datasets


def documents(**_: Any) -> dict[str, Any]:  # noqa: ANN401 - options of the harness
    """Return the questions as the split `test`."""
    lines = Path(__file__).with_name("wikipedia_cloze.jsonl").read_text().splitlines()
    return {"test": datasets.Dataset.from_list([json.loads(line) for line in lines])}
