"""The trial of a device, on a pretended one: each of its parts is tried, and wrong numbers are found."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from pruning.runtime import device
from pruning.runtime.device import computes_correctly, copies_correctly
from pruning.runtime.pinned_memory import CudaPinning
from tests.pruning.pretended_cuda import CPU, CUDA, pretended_cuda
from tests.pruning.runtime.deferred_stream import DeferredStream
from tests.pruning.runtime.recorded_pinning import RecordedPinning


@pytest.fixture
def pinning(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedPinning]:
    found = RecordedPinning()
    with pretended_cuda(monkeypatch):
        monkeypatch.setattr(device, "copy_stream_for", lambda device: DeferredStream())
        monkeypatch.setattr(CudaPinning, "pin", lambda self, *memory: found.pin(*memory))
        monkeypatch.setattr(CudaPinning, "unpin", lambda self, address: found.unpin(address))
        yield found


def test_a_working_device_passes_and_nothing_stays_pinned(pinning: RecordedPinning) -> None:
    assert computes_correctly(CUDA)
    assert pinning.calls == 1
    assert not pinning.pinned


def test_a_cpu_passes() -> None:
    assert computes_correctly(CPU)


def test_a_system_that_pins_nothing_passes(
    pinning: RecordedPinning, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(CudaPinning, "pin", lambda self, *memory: False)
    assert computes_correctly(CUDA)
    assert "pins no memory" in caplog.text


def one_wrong(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def wrong(*args: Any, **options: Any) -> Tensor:
        result = function(*args, **options)
        result[-1, -1] += 1
        return result

    return wrong


@pytest.mark.parametrize(("module", "name"), [(torch, "mm"), (torch.linalg, "cholesky")])
@pytest.mark.usefixtures("pinning")
def test_a_library_that_computes_wrong_numbers_is_found(
    module: Any,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, name, one_wrong(getattr(module, name)))
    assert not computes_correctly(CUDA)


@pytest.mark.usefixtures("pinning")
def test_copies_that_do_not_arrive_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeferredStream, "copy", lambda self, target, source: None)
    assert not computes_correctly(CUDA)


def test_numbers_pass_between_two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    with pretended_cuda(monkeypatch, devices=2):
        assert copies_correctly(CUDA, torch.device("cuda:1"))
    plain = Tensor.to

    def lossy(tensor: Tensor, *to: object) -> Tensor:
        return plain(tensor, *to) * 0  # type: ignore[no-any-return, call-overload]

    monkeypatch.setattr(Tensor, "to", lossy)
    assert not copies_correctly(CPU, CPU)
