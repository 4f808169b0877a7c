"""What the stages of a run cost, for Prometheus: seconds, tokens by the second, and the memory of GPUs."""

import time
from collections.abc import Mapping

import torch

from jobs.monitoring.catalogue import COMPUTING_SECONDS, DEVICE_MEMORY, STAGE_SECONDS, TOKENS
from jobs.monitoring.figures import recorded
from pruning.errors import InvalidInput
from pruning.pipeline import compute_devices
from pruning.recipe import Stage


class StageFigures:
    """Records one run's stages. A step counts with its share of the stage's tokens."""

    def __init__(self, device: str) -> None:
        """`device`: as the settings name it."""
        self._setting = device
        self._device: str | None = None
        self._tokens: Mapping[Stage, int] = {}
        self._left_out: set[Stage] = set()
        self._done = 0
        self._at = 0.0

    def leave_out(self, stage: Stage) -> None:
        """Count no tokens of a stage of which a part was computed before."""
        self._left_out.add(stage)

    def expect(self, tokens: Mapping[Stage, int]) -> None:
        """Count these tokens for a whole stage, now that the model's context is known."""
        self._tokens = tokens

    def began(self) -> None:
        self._done, self._at = 0, time.perf_counter()

    def stepped(self, stage: Stage, done: int, steps: int) -> None:
        """Count the tokens of the steps since the last one. A pass that starts again counts again."""
        before, began = self._done if self._done < done else 0, self._at
        self._done, self._at = done, time.perf_counter()
        new, tokens = done - before, self._tokens.get(stage)
        if recorded() and tokens and steps and stage not in self._left_out:
            labels = {"stage": stage.value, "device": self.device}
            TOKENS.record(tokens * new / steps, **labels)
            COMPUTING_SECONDS.record(self._at - began, **labels)

    def ended(self, stage: Stage, seconds: float) -> None:
        if recorded():
            STAGE_SECONDS.record(seconds, stage=stage.value, device=self.device)

    def memory(self) -> None:
        """Record what each GPU of this worker has in use, once this process uses one.

        No other GPU of the machine is asked: CUDA answers only after it has made a context there, which takes
        hundreds of megabytes of a device that may be another worker's, until this process ends.
        """
        if not recorded() or not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            return
        for device in _gpus(self._setting):
            free, total = torch.cuda.mem_get_info(device)
            DEVICE_MEMORY.record(total - free, device=f"cuda:{device.index or 0}", what="used")
            DEVICE_MEMORY.record(total, device=f"cuda:{device.index or 0}", what="total")

    @property
    def device(self) -> str:
        """`cpu`, or the name of the GPU."""
        if self._device is None:
            self._device = _name(self._setting)
        return self._device


def _gpus(setting: str) -> list[torch.device]:
    try:
        return [device for device in compute_devices(setting) if device.type == "cuda"]
    except InvalidInput:
        return []


def _name(setting: str) -> str:
    try:
        first = compute_devices(setting)[0]
    except InvalidInput:
        return setting
    return torch.cuda.get_device_name(first) if first.type == "cuda" else first.type
