"""The tasks that bench.engine.runner measures: each loads a model and runs one computation on it.

The time is that of the computation, without loading; the peak memory is of both. On a CPU it is counted
beyond what the imports take.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench.engine import roofline, straightforward
from bench.engine.runner import Setting
from bench.workload.models import ignore_steps, perplexity, random_windows
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.methods.prune_blocks import prune
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.recipe import GradientNorm, Recipe
from pruning.recipe.methods import Gblm
from pruning.resume.store import DirectoryResumeStore
from pruning.runtime.process_memory import PeakMemory
from pruning.runtime.speed_probe import product_rate

SPARSITY = 0.5
_STATUS = Path("/proc/self/status")


class Task:
    """The setting of a task, and what it measures."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.device = torch.device(setting.device)
        self.dtype: torch.dtype = getattr(torch, setting.dtype)
        self.seconds = 0.0
        self.peak_bytes = 0
        self.extra: dict[str, Any] = {}
        self._memory = PeakMemory(self.device)
        self._memory.reset()
        self._before = _resident() if self.device.type == "cpu" else 0

    def model(self, *, placed: bool = False) -> Any:  # noqa: ANN401 - a model of transformers
        """Load the model in the compute dtype; on the device if `placed`."""
        model = self.setting.model.load(self.dtype)
        return model.to(self.device) if placed else model

    def placement(self) -> Placement:
        """Load the model as a job does: on the host as stored, moved to the device block by block."""
        return Placement(self.setting.model.load_as_stored(self.dtype), self.device, self.dtype)

    def windows(self, vocabulary: int) -> Tensor:
        """Return the setting's token ids, (windows, length)."""
        if self.setting.tokens is None:
            return random_windows(self.setting.windows, self.setting.length, vocabulary)
        windows: Tensor = load_file(self.setting.tokens)["windows"]
        return windows[: self.setting.windows, : self.setting.length]

    def timed(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work gives
        """Run `work`; record its time, and the peak memory since the task began."""
        self._synchronize()
        started = time.perf_counter()
        result = work()
        self._synchronize()
        self.seconds = time.perf_counter() - started
        self.peak_bytes = self._memory.peak() - self._before
        return result

    def _synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def gradients(
    task: Task, *, schedule: ScheduleChoice, norms: list[GradientNorm], save: str | None = None
) -> None:
    """Run the engine's gradient pass, and save the norms to `save`."""
    placement = task.placement()
    windows = task.windows(placement.model.config.vocab_size)
    stack = find_stack(placement.model)
    with TemporaryDirectory() as directory:
        engine = GradientPass(placement, windows, norms=norms, stack=stack, schedule=schedule)
        resume_store = DirectoryResumeStore(Path(directory))
        found = task.timed(lambda: engine.run(ignore_steps, resume_store))
        task.extra["micro_batch"] = engine.schedule.micro_batch
        _save(found, save)
        if schedule == "streamed":
            # A second run on the same shards: the cost of a job that finds them finished.
            again = GradientPass(placement, windows, norms=norms, stack=stack, schedule="streamed")
            started = time.perf_counter()
            for layers in again.run(ignore_steps, resume_store).values():
                for norm in layers.values():
                    norm.sum()
            task.extra["again"] = time.perf_counter() - started


def straightforward_gradients(task: Task, *, save: str | None = None) -> None:
    """Compute both norms by autograd, one window after the other."""
    model = task.model(placed=True)
    windows = task.windows(model.config.vocab_size)
    norms = task.timed(lambda: straightforward.gradient_norms(model, windows))
    _save(norms, save)


def pruned(task: Task, *, method: str, norms: str | None = None, save: str | None = None) -> None:
    """Prune with the engine. `norms`: a file of gradient norms. `save`: a file for the masks."""
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
            step=ignore_steps,
            placement=placement,
        )
    )
    if save:
        save_file(result.masks, save)


def straightforward_pruned(
    task: Task, *, norms: str | None = None, applied: str | None = None, save: str | None = None
) -> None:
    """Prune by Wanda in a loop over blocks and windows, or by GBLM with the L1 norms in a file.

    `applied`: a file of masks that are applied in place of those that are found. `save`: a file for these.
    """
    model = task.model(placed=True)
    windows = task.windows(model.config.vocab_size)
    terms = {name: Gblm().alpha * norm for name, norm in _load(norms)["l1"].items()} if norms else None
    applied_masks = load_file(applied) if applied else None
    found = task.timed(
        lambda: straightforward.prune_rows(model, windows, SPARSITY, terms, applied_masks=applied_masks)
    )
    if save:
        save_file(found, save)


def masked_perplexity(task: Task, *, masks: str) -> None:
    """Measure the perplexity of the model with the masks in a file, over the setting's windows."""
    model = task.model(placed=True)
    windows = task.windows(model.config.vocab_size)
    pruned = load_file(masks)
    for name, parameter in model.named_parameters():
        if name in pruned:
            parameter.data.masked_fill_(pruned[name].to(task.device), 0)
    task.extra["perplexity"] = task.timed(lambda: perplexity(model, windows, step=ignore_steps))


def rooflines(task: Task) -> None:
    """Time each stage's matrix products, attention and loss alone: seconds by stage."""
    task.extra |= roofline.seconds_by_stage(
        task.setting.model.config(), task.setting, task.device, task.dtype
    )


def rate(task: Task) -> None:
    """Measure the rate of large matrix products, in operations per second."""
    task.extra["rate"] = product_rate(task.device, task.dtype)


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
        rooflines,
        rate,
    )
}


def main() -> None:
    """Run the task in the first argument (JSON), and print the measurement (JSON) as the last line."""
    request = json.loads(sys.argv[1])
    task = Task(Setting.from_json(request["setting"]))
    TASKS[request["task"]](task, **request["options"])
    print(json.dumps({"seconds": task.seconds, "peak_bytes": task.peak_bytes, "extra": task.extra}))


if __name__ == "__main__":
    main()
