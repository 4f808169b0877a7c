"""The tasks of bench.runner: each loads a model and does one thing with it, by the engine or plainly.

The time is that of the work, without loading; the peak is of both. On a CPU it is taken beyond what the
imports hold.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench import roofline, straightforward
from bench.emulated import ProductsInFloat32
from bench.kernel import milliseconds
from bench.models import random_windows
from bench.runner import Setting
from pruning.blockwise.prune import prune
from pruning.evaluation.perplexity import perplexity
from pruning.gradients.gradient_pass import GradientPass
from pruning.gradients.schedule import ScheduleChoice
from pruning.model.placement import Placement
from pruning.recipe import GradientNorm, Recipe
from pruning.resume.store import DirectoryResumeStore
from pruning.runtime.peak_memory import PeakMemory
from pruning.runtime.speed_probe import product_rate

SPARSITY = 0.5
_STATUS = Path("/proc/self/status")


class Task:
    """What every task has at hand."""

    def __init__(self, setting: Setting) -> None:
        """Nothing is loaded yet."""
        self.setting = setting
        self.device = torch.device(setting.device)
        self.dtype: torch.dtype = getattr(torch, setting.dtype)
        self.seconds = 0.0
        self.peak_bytes = 0
        self.more: dict[str, Any] = {}
        self._memory = PeakMemory(self.device)
        self._memory.reset()
        self._before = _resident() if self.device.type == "cpu" else 0

    def model(self, *, placed: bool = False) -> Any:  # noqa: ANN401 - a model of transformers
        """In the compute dtype; on the device if `placed`."""
        model = self.setting.model.load(self.dtype)
        return model.to(self.device) if placed else model

    def placement(self) -> Placement:
        """As a job has it: on the host as it is stored, brought to the device and dtype block by block."""
        return Placement(self.setting.model.load_as_stored(self.dtype), self.device, self.dtype)

    def windows(self, vocabulary: int) -> Tensor:
        """Of this setting: (windows, length)."""
        if self.setting.tokens is None:
            return random_windows(self.setting.windows, self.setting.length, vocabulary)
        windows: Tensor = load_file(self.setting.tokens)["windows"]
        return windows[: self.setting.windows, : self.setting.length]

    def timed(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work gives
        """Do it, and remember how long it took, and what was held at most since the task began."""
        self._finish()
        started = time.perf_counter()
        result = work()
        self._finish()
        self.seconds = time.perf_counter() - started
        self.peak_bytes = self._memory.peak() - self._before
        return result

    def _finish(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def gradients(
    task: Task, *, schedule: ScheduleChoice, norms: list[GradientNorm], save: str | None = None
) -> None:
    """Norms by the engine."""
    placement = task.placement()
    windows = task.windows(placement.model.config.vocab_size)
    with TemporaryDirectory() as directory:
        engine = GradientPass(placement, windows, norms=norms, schedule=schedule)
        resume_store = DirectoryResumeStore(Path(directory))
        found = task.timed(lambda: engine.run(_silent, resume_store))
        task.more["micro_batch"] = engine.schedule.micro_batch
        _save(found, save)
        if schedule == "streamed":
            # Another run on the same shards: what a job pays that finds them finished.
            again = GradientPass(placement, windows, norms=norms, schedule="streamed")
            started = time.perf_counter()
            for layers in again.run(_silent, resume_store).values():
                for norm in layers.values():
                    norm.sum()
            task.more["again"] = time.perf_counter() - started


def straightforward_gradients(task: Task, *, save: str | None = None) -> None:
    """Both norms, one window after the other, by autograd."""
    model = task.model(placed=True)
    windows = task.windows(model.config.vocab_size)
    norms = task.timed(lambda: straightforward.gradient_norms(model, windows))
    _save(norms, save)


def pruned(task: Task, *, method: str, norms: str | None = None, save: str | None = None) -> None:
    """A pruning by the engine. `norms`: a file of gradient norms."""
    recipe = Recipe.model_validate(
        {
            "model": "bench/model",
            "method": method,
            "sparsity": SPARSITY,
            "calibration": {"samples": task.setting.windows, "sequence_length": task.setting.length},
        }
    )
    placement = task.placement()
    windows = task.windows(placement.model.config.vocab_size)
    gradients = _load(norms) if norms else {}
    result = task.timed(
        lambda: prune(
            placement.model,
            recipe,
            windows,
            gradients,  # type: ignore[arg-type]
            step=_silent,
            placement=placement,
        )
    )
    if save:
        save_file(result.masks, save)


def straightforward_pruned(task: Task) -> None:
    """Wanda by a loop over blocks and windows."""
    model = task.model(placed=True)
    windows = task.windows(model.config.vocab_size)
    task.timed(lambda: straightforward.prune_rows(model, windows, SPARSITY))


def masked_perplexity(task: Task, *, masks: str) -> None:
    """Of the float32 model with these masks, over the setting's windows."""
    model = task.model(placed=True)
    windows = task.windows(model.config.vocab_size)
    pruned = load_file(masks)
    for name, parameter in model.named_parameters():
        if name in pruned:
            parameter.data.masked_fill_(pruned[name].to(task.device), 0)
    task.more["perplexity"] = task.timed(lambda: perplexity(model, windows, step=_silent))


def floors(task: Task) -> None:
    """The matrix products, attention and loss of each stage, alone: seconds by stage."""
    task.more |= roofline.seconds_by_stage(task.setting.model.config(), task.setting, task.device, task.dtype)


def kernel(task: Task, *, norms: list[GradientNorm]) -> None:
    """Both ways of accumulation, in milliseconds by the shape of a layer."""
    config, length = task.setting.model.config(), task.setting.length
    task.more |= milliseconds(config, length, norms, task.device, task.dtype)


def rate(task: Task) -> None:
    """Operations per second of large matrix products."""
    task.more["rate"] = product_rate(task.device, task.dtype)


def _silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def _save(norms: Mapping[Any, Mapping[str, Tensor]], path: str | None) -> None:
    if path:
        save_file(
            {f"{norm}/{name}": tensor.cpu() for norm in norms for name, tensor in norms[norm].items()}, path
        )


def _load(path: str) -> dict[str, dict[str, Tensor]]:
    norms: dict[str, dict[str, Tensor]] = {"l1": {}, "l2": {}}
    for name, tensor in load_file(path).items():
        norm, _, layer = name.partition("/")
        norms[norm][layer] = tensor
    return norms


def _resident() -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


TASKS: dict[str, Callable[..., None]] = {
    task.__name__: task
    for task in (
        gradients,
        straightforward_gradients,
        pruned,
        straightforward_pruned,
        masked_perplexity,
        floors,
        kernel,
        rate,
    )
}


def main() -> None:
    """Do what the first argument asks for, and print what it took as the last line."""
    request = json.loads(sys.argv[1])
    setting = Setting.from_json(request["setting"])
    task = Task(setting)
    with ProductsInFloat32() if setting.emulated else nullcontext():  # type: ignore[no-untyped-call]
        TASKS[request["task"]](task, **request["options"])
    print(json.dumps({"seconds": task.seconds, "peak_bytes": task.peak_bytes, "more": task.more}))


if __name__ == "__main__":
    main()
