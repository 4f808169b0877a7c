"""Runs of the whole library, as tests ask for them, and runs that end early."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from pruning.masks.packed import SHAPES, unpacked
from pruning.pipeline.run import RunRequest, Services, run
from pruning.progress import Silent
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.report import Report
from pruning.resume.hashed_file import sha256_of

_OF_THE_REQUEST = {field.name for field in fields(RunRequest)}


def run_recipe(recipe: Recipe, evaluation: Evaluation, *, output: Path, **options: Any) -> Report:
    """`options`: other fields of `RunRequest` and `Services`."""
    asked = {name: value for name, value in options.items() if name in _OF_THE_REQUEST}
    services = {name: value for name, value in options.items() if name not in _OF_THE_REQUEST}
    return run(RunRequest(recipe, evaluation, output, **asked), Services(**services))


def interrupt() -> None:
    raise InterruptedError


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Steps(Silent):
    """Records the steps of a run, and ends it `after` so many of any stage, or `at` a step of one stage."""

    def __init__(
        self, *, after: int = -1, at: tuple[Stage, int] | None = None, end: Callable[[], None] = interrupt
    ) -> None:
        self.seen: list[tuple[Stage, int, int]] = []
        self._after, self._at, self._end = after, at, end

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        self.seen.append((stage, done, steps))
        if len(self.seen) == self._after or (stage, done) == self._at:
            self._end()

    def of(self, wanted: Stage) -> list[tuple[int, int]]:
        """Return (done, steps) of one stage."""
        return [(done, steps) for stage, done, steps in self.seen if stage == wanted]


def tensors_of(directory: Path) -> dict[str, Tensor]:
    """Read all tensors of a checkpoint."""
    files = directory.glob("*.safetensors")
    return {name: tensor for file in files for name, tensor in load_file(file).items()}


def read_masks(path: Path) -> dict[str, Tensor]:
    """Read all masks of a file, by parameter name: bool, True where a weight is pruned."""
    with safe_open(path, framework="pt") as file:
        shapes = json.loads(file.metadata()[SHAPES])
        return {name: unpacked(file.get_tensor(name), shape) for name, shape in shapes.items()}


def contents(output: Path) -> dict[str, str]:
    """Return the checksum of every file, and the report without the cost of its stages."""
    report = json.loads((output / "pruning_report.json").read_text())
    del report["stages"], report["environment"]
    files = (path for path in output.iterdir() if path.name not in ("pruning_report.json", "README.md"))
    return {path.name: sha256_of(path) for path in files} | {"report": json.dumps(report)}
