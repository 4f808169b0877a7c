"""Runs each measurement in a process of its own, and records its time and its peak memory beyond imports."""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.workload.models import ModelChoice
from pruning.estimate.architectures import shape_of_config
from pruning.estimate.shape import ModelShape
from pruning.runtime.determinism import fix_cublas_workspace

_PROGRAM = "bench.engine.tasks"
_TIMED = ("gradients", "straightforward_gradients", "pruned", "straightforward_pruned")


@dataclass(frozen=True)
class Setting:
    """The workload of a measurement: model, windows, dtype and device."""

    model: ModelChoice
    windows: int
    length: int
    dtype: str = "float32"
    device: str = "cpu"
    tokens: str | None = None  # a file of token windows; None: random ones

    def as_json(self) -> dict[str, Any]:
        """Serialise for the child process."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Setting":
        """Undo `as_json`."""
        return cls(**(values | {"model": ModelChoice(**values["model"])}))


@dataclass(frozen=True)
class Measurement:
    """The result of one process."""

    seconds: float
    peak_bytes: int  # resident beyond the imports; on CUDA, allocated on the device
    extra: dict[str, Any]

    @property
    def gigabytes(self) -> float:
        """The peak memory in GB."""
        return self.peak_bytes / 1e9


class TaskFailed(Exception):
    """A measuring process exited with an error, which it has printed."""


def measure(task: str, setting: Setting, **options: Any) -> Measurement:  # noqa: ANN401 - JSON
    """Run a task of bench.engine.tasks in a child process. Raises TaskFailed."""
    fix_cublas_workspace()  # the child inherits it, and is measured as a job runs
    request = json.dumps({"task": task, "setting": setting.as_json(), "options": options})
    done = subprocess.run(  # noqa: S603 - this very program
        [sys.executable, "-m", _PROGRAM, request], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise TaskFailed(f"{task} ended with {done.returncode}")
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


class Bench:
    """Measures on demand and caches results; timed tasks are measured again in every round."""

    def __init__(self, options: argparse.Namespace, setting: Setting, scratch: Path) -> None:
        """`setting`: the workload, in float32. `scratch`: a directory for norms and masks."""
        self.options = options
        self.setting = setting
        self.scratch = scratch
        self._results: dict[str, Measurement] = {}
        self._timed_this_round: set[str] = set()

    def next_round(self) -> None:
        """Start a round, in which everything is timed once more.

        A round covers all settings, so that a disturbance of some minutes does not bias one of them, as it
        would if each setting were repeated back to back.
        """
        self._timed_this_round.clear()

    def __call__(self, task: str, dtype: str, **options: Any) -> Measurement:  # noqa: ANN401 - JSON
        """Run a task on the bench's setting in `dtype`."""
        return self.on(replace(self.setting, dtype=dtype), task, **options)

    def on(self, setting: Setting, task: str, **options: Any) -> Measurement:  # noqa: ANN401 - JSON
        """Run a task on any setting, and return the fastest result of the rounds so far."""
        key = f"{task} {setting} {options}"
        is_timed = setting.dtype in self.options.dtypes and task in _TIMED
        best = self._results.get(key)
        if best is None or (is_timed and key not in self._timed_this_round):
            print(f"measuring: {task} {options} {setting.dtype}", file=sys.stderr, flush=True)
            found = measure(task, setting, **options)
            self._timed_this_round.add(key)
            if best is None or found.seconds < best.seconds:
                self._results[key] = found
        return self._results[key]

    def rate(self, dtype: str) -> float:
        """Operations per second of large matrix products."""
        return float(self("rate", dtype).extra["rate"])

    @property
    def dtypes(self) -> list[str]:
        """The requested dtypes that the machine has instructions for."""
        fastest = max(self.rate(dtype) for dtype in self.options.dtypes)
        return [dtype for dtype in self.options.dtypes if self.rate(dtype) > 0.2 * fastest]

    def norms(self, dtype: str) -> str:
        """Path of the engine's gradient norms."""
        return str(self.scratch / f"norms-{dtype}.safetensors")

    def plain_norms(self, dtype: str) -> str:
        """Path of the gradient norms by autograd."""
        return str(self.scratch / f"plain-{dtype}.safetensors")

    def gradients(self, dtype: str, schedule: str) -> Measurement:
        """Run a gradient pass; that of `whole` writes `norms(dtype)`."""
        saved = {"save": self.norms(dtype)} if schedule == "whole" else {}
        return self("gradients", dtype, schedule=schedule, norms=self.options.norms, **saved)

    def pruned(self, dtype: str, method: str) -> Measurement:
        """Prune, with the gradient norms of `whole` where the method needs them; writes `masks(...)`."""
        norms = {} if method == "wanda" else {"norms": self.norms(dtype)}
        return self("pruned", dtype, method=method, save=self.masks(dtype, method), **norms)

    def masks(self, dtype: str, method: str) -> str:
        """Path of the masks of `pruned`."""
        return str(self.scratch / f"masks-{method}-{dtype}.safetensors")

    def perplexity(self, masks: str) -> float:
        """Perplexity of the float32 model with the masks in a file, on held-out text."""
        evaluated = replace(self.setting, tokens=self.options.evaluation, windows=24)
        return float(self.on(evaluated, "masked_perplexity", masks=masks).extra["perplexity"])

    def plain_gradients(self, dtype: str) -> Measurement:
        """Run the straightforward gradients, extrapolated from `--plain-windows` windows."""
        count = min(self.options.plain_windows or self.setting.windows, self.setting.windows)
        setting = replace(self.setting, dtype=dtype, windows=count)
        found = self.on(setting, "straightforward_gradients", save=self.plain_norms(dtype))
        return replace(found, seconds=found.seconds * self.setting.windows / count)

    @property
    def shape(self) -> ModelShape:
        """The model's shape."""
        return shape_of_config(self.setting.model.config().to_dict())
