"""Changes of files at fixed moments of a run, and caches that record what the run publishes."""

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pytest
from safetensors.torch import load_file, save

from pruning.calibration.gradient_cache import CacheLookup
from pruning.errors import InvalidInput
from pruning.evaluation.cache import DenseMeasurement
from pruning.progress import Silent
from pruning.recipe import Evaluation, GradientNorm, Stage
from pruning.report import Report
from pruning.resume.store import NumericsKey

SECRET = "the operator's key"
WEIGHTS = "model.safetensors"
EVALUATION = Evaluation(dataset="builtin", sequence_length=16, windows=1)
Attack = Callable[[], object]


class At(Silent):
    """Attacks when a stage begins, or after its first step."""

    def __init__(self, stage: Stage, attack: Attack, *, step: int = 0) -> None:
        self._moment, self._attack = (stage, step), attack

    def stage_started(self, stage: Stage, steps: int) -> None:
        self._reached(stage, 0)

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        self._reached(stage, done)

    def _reached(self, stage: Stage, step: int) -> None:
        if (stage, step) == self._moment:
            self._attack()


class SharedPerplexities:
    """A cache of a service, in this process, in which nothing is found."""

    def __init__(self) -> None:
        self.published: set[str] = set()

    def get(self, fingerprint: str, states: Path) -> None:
        """Nothing is cached."""

    def put(self, fingerprint: str, measured: DenseMeasurement) -> None:
        self.published.add("perplexity")


class SharedGradients:
    """The same for gradients, with one list of what was published."""

    needed_later: frozenset[GradientNorm] = frozenset()

    def __init__(self, perplexities: SharedPerplexities) -> None:
        self._published = perplexities.published

    def get(self, wanted: Collection[str], later: Collection[str]) -> CacheLookup:
        return CacheLookup({}, frozenset(wanted))

    def put(self, fingerprint: str, numerics_key: NumericsKey, numbers: Mapping[int, int]) -> None:
        self._published.add("gradients")

    def confirm(self) -> None:
        """Nothing is reused."""

    def invalidate(self, fingerprint: str) -> None:
        """Nothing is found that could be damaged."""


def link(path: Path, target: Path) -> Attack:
    """Plant a link, in place of the file if there is one."""

    def plant() -> None:
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return plant


def other_weights(path: Path) -> bytes:
    """Return a file of the same layout and size with other numbers."""
    content = save({name: tensor * -0.5 for name, tensor in load_file(path).items()}, {"format": "pt"})
    assert len(content) == path.stat().st_size
    return content


def in_place(path: Path, content: bytes) -> None:
    """Overwrite a file that others have mapped, and set back the time of its last modification."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=times)


def files_below(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def refused(name: str, field: str, tmp_path: Path, run: Callable[[], Report]) -> None:
    before = files_below(tmp_path)
    with pytest.raises(InvalidInput, match=f"^{name} was changed, replaced or removed") as failed:
        run()
    assert failed.value.field == field
    assert files_below(tmp_path) <= before, "something was left behind"
