"""What a run's stages tell Prometheus of GPUs, which are pretended here."""

from types import SimpleNamespace

import pytest
import torch

from worker.attempt import progress
from worker.attempt.progress import StageMetrics

GB = 10**9


@pytest.mark.parametrize(
    ("setting", "asked"),
    [("cuda:1", ["cuda:1"]), ("cuda:0,cuda:2", ["cuda:0", "cuda:2"]), ("cpu", []), ("cuda:7", [])],
)
def test_only_the_gpus_of_this_worker_are_asked_for_their_memory(
    setting: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA makes a context on every device that it is asked about, and keeps it."""
    contexts: list[str] = []
    noted: list[tuple[str, str, float]] = []

    def mem_get_info(device: torch.device) -> tuple[int, int]:
        contexts.append(str(device))
        return 30 * GB, 80 * GB

    def record(value: float, *, device: str, what: str) -> None:
        noted.append((device, what, value))

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "mem_get_info", mem_get_info)
    monkeypatch.setattr(progress, "is_recording", lambda: True)
    monkeypatch.setattr(progress, "DEVICE_MEMORY", SimpleNamespace(record=record))
    StageMetrics(setting).memory()
    assert contexts == asked
    assert noted == [
        each for device in asked for each in ((device, "used", 50 * GB), (device, "total", 80 * GB))
    ]
