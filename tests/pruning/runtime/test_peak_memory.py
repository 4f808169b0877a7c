"""Peak memory of a CUDA device, by faked statistics: none are there before CUDA is first used."""

import pytest
import torch

from pruning.runtime.process_memory import PeakMemory


class FakeCuda:
    """The statistics of an allocator which, as torch's, cannot be reset before CUDA is initialised."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.initialised = False
        self.peaks: dict[torch.device, int] = {}
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: self.initialised)
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", self.reset)
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: self.peaks.get(device, 0))

    def reset(self, device: torch.device) -> None:
        if not self.initialised:
            raise RuntimeError(f"Invalid device argument {device.index}: did you call init?")
        self.peaks.clear()


def test_a_fake_device_that_was_never_used_has_a_peak_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCuda(monkeypatch)
    memory = PeakMemory(torch.device("cuda:0"))
    memory.reset()
    assert memory.peak() == 0


def test_the_peak_of_a_fake_device_is_that_since_the_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, device = FakeCuda(monkeypatch), torch.device("cuda:1")
    memory = PeakMemory(device)
    memory.reset()
    cuda.initialised, cuda.peaks[device] = True, 9
    assert memory.peak() == 9
    memory.reset()
    assert memory.peak() == 0


def test_the_first_reset_asks_nothing_of_a_cuda_that_this_build_lacks() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU: its statistics are asked for")
    PeakMemory(torch.device("cuda:0")).reset()


def test_the_peak_of_several_fake_devices_is_the_highest_of_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, devices = FakeCuda(monkeypatch), [torch.device("cuda", number) for number in range(3)]
    cuda.initialised = True
    memory = PeakMemory(*devices[:2])
    cuda.peaks = dict(zip(devices, (5, 7, 9), strict=True))
    assert memory.peak() == 7
