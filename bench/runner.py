"""Measurements, each in a process of its own: its time, and the most memory beyond its imports."""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.models import ModelChoice
from pruning.estimate.architectures import shape_of_config
from pruning.estimate.shape import ModelShape

_PROGRAM = "bench.tasks"
_TIMED = ("gradients", "straightforward_gradients", "pruned", "straightforward_pruned")


@dataclass(frozen=True)
class Setting:
    """What is measured, and on what."""

    model: ModelChoice
    windows: int
    length: int
    dtype: str = "float32"
    device: str = "cpu"
    tokens: str | None = None  # a file of token windows; random ones, if None
    emulated: bool = False  # see bench.emulated

    def as_json(self) -> dict[str, Any]:
        """For another process."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Setting":
        """What `as_json` gave."""
        return cls(**(values | {"model": ModelChoice(**values["model"])}))


@dataclass(frozen=True)
class Measurement:
    """What a process found."""

    seconds: float
    peak_bytes: int  # resident beyond the imports; on CUDA, allocated on the device
    more: dict[str, Any]

    @property
    def gigabytes(self) -> float:
        """The peak."""
        return self.peak_bytes / 1e9


class Failed(Exception):
    """The process did not come to its end; the message is the last thing that it said."""


def measured(task: str, setting: Setting, **options: Any) -> Measurement:  # noqa: ANN401 - JSON
    """Run a task of bench.tasks. Raises Failed."""
    request = json.dumps({"task": task, "setting": setting.as_json(), "options": options})
    done = subprocess.run(  # noqa: S603 - this very program
        [sys.executable, "-m", _PROGRAM, request], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"{task} ended with {done.returncode}")
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


class Bench:
    """Measures on demand: no setting twice, but for what is timed, which every round measures once."""

    def __init__(self, options: argparse.Namespace, setting: Setting, scratch: Path) -> None:
        """`setting` in float32, whatever is measured; `scratch`: for norms and masks."""
        self.options = options
        self.setting = setting
        self.scratch = scratch
        self._known: dict[str, Measurement] = {}
        self._timed_this_round: set[str] = set()

    def next_round(self) -> None:
        """Time everything again. A round goes through all settings, so that what the machine does for some
        minutes falls on each of them, and ratios of the fastest mean more than those of neighbours.
        """
        self._timed_this_round.clear()

    def __call__(self, task: str, dtype: str, **options: Any) -> Measurement:  # noqa: ANN401 - JSON
        """A task on the model, in a dtype; a narrow one that the machine would emulate by bench.emulated."""
        emulated = task != "rate" and dtype in self.options.dtypes and dtype not in self.dtypes
        return self.on(replace(self.setting, dtype=dtype, emulated=emulated), task, **options)

    def on(self, setting: Setting, task: str, **options: Any) -> Measurement:  # noqa: ANN401 - JSON
        """A task on any setting: the fastest of the rounds so far."""
        key = f"{task} {setting} {options}"
        is_timed = not setting.emulated and setting.dtype in self.options.dtypes and task in _TIMED
        known = self._known.get(key)
        if known is None or (is_timed and key not in self._timed_this_round):
            print(f"measuring: {task} {options} {setting.dtype}", file=sys.stderr, flush=True)
            found = measured(task, setting, **options)
            self._timed_this_round.add(key)
            if known is None or found.seconds < known.seconds:
                self._known[key] = found
        return self._known[key]

    def rate(self, dtype: str) -> float:
        """Operations per second of large products."""
        return float(self("rate", dtype).more["rate"])

    @property
    def dtypes(self) -> list[str]:
        """Those asked for that the machine computes in, rather than emulates."""
        fastest = max(self.rate(dtype) for dtype in self.options.dtypes)
        return [dtype for dtype in self.options.dtypes if self.rate(dtype) > 0.2 * fastest]

    def norms(self, dtype: str) -> str:
        """A file of the engine's gradient norms."""
        return str(self.scratch / f"norms-{dtype}.safetensors")

    def plain_norms(self, dtype: str) -> str:
        """A file of those by autograd."""
        return str(self.scratch / f"plain-{dtype}.safetensors")

    def gradients(self, dtype: str, schedule: str) -> Measurement:
        """A gradient pass; that of `whole` leaves its norms."""
        saved = {"save": self.norms(dtype)} if schedule == "whole" else {}
        return self("gradients", dtype, schedule=schedule, norms=self.options.norms, **saved)

    def pruned(self, dtype: str, method: str) -> Measurement:
        """A pruning, which leaves its masks; by the gradient norms of `whole` where the method needs them."""
        norms = {} if method == "wanda" else {"norms": self.norms(dtype)}
        return self("pruned", dtype, method=method, save=self.masks(dtype, method), **norms)

    def masks(self, dtype: str, method: str) -> str:
        """A file of a pruning's masks."""
        return str(self.scratch / f"masks-{method}-{dtype}.safetensors")

    def perplexity(self, masks: str) -> float:
        """Of the float32 model with a file's masks, on text that it was not calibrated on."""
        judged = replace(self.setting, tokens=self.options.evaluation, windows=24)
        return float(self.on(judged, "masked_perplexity", masks=masks).more["perplexity"])

    def plain_gradients(self, dtype: str) -> Measurement:
        """The straightforward way, by proportion from as few windows as asked for."""
        count = min(self.options.plain_windows or self.setting.windows, self.setting.windows)
        setting = replace(self.setting, dtype=dtype, windows=count)
        found = self.on(setting, "straightforward_gradients", save=self.plain_norms(dtype))
        return replace(found, seconds=found.seconds * self.setting.windows / count)

    @property
    def shape(self) -> ModelShape:
        """Of the model."""
        return shape_of_config(self.setting.model.config().to_dict())
