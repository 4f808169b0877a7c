"""One measurement, in a process of its own: its time, and the most memory that it held beyond its imports."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

from bench.models import ModelChoice

_PROGRAM = "bench.measured"


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
    """Run a task of bench.measured. Raises Failed."""
    request = json.dumps({"task": task, "setting": setting.as_json(), "options": options})
    done = subprocess.run(  # noqa: S603 - this very program
        [sys.executable, "-m", _PROGRAM, request], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"{task} ended with {done.returncode}")
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))
