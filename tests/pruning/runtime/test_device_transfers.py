"""Tensors between pretended devices, on streams that copy as late as they may."""

from collections.abc import Iterator

import pytest
import torch

from pruning.runtime.copy_streams import DeviceTransfers
from tests.pruning.pretended_cuda import pretended_cuda
from tests.pruning.runtime.deferred_stream import DeferredStream

FIRST, SECOND = torch.device("cuda:0"), torch.device("cuda:1")


@pytest.fixture(autouse=True)
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with pretended_cuda(monkeypatch, devices=2):
        yield


@pytest.fixture
def streams() -> dict[torch.device, DeferredStream]:
    return {FIRST: DeferredStream(), SECOND: DeferredStream()}


def test_a_tensor_arrives_when_it_is_asked_for(streams: dict[torch.device, DeferredStream]) -> None:
    numbers = torch.arange(12.0, device=FIRST).view(3, 4)
    arriving = DeviceTransfers(streams.__getitem__).begin(numbers[:, 1:], SECOND)
    assert streams[FIRST].events == ["memory is taken", "copies wait for the computation", "a tensor leaves"]
    assert streams[SECOND].events == ["memory is taken", "copies wait for the computation", "copy"]
    assert streams[SECOND].waiting
    arrived = arriving()
    assert not streams[SECOND].waiting
    assert streams[SECOND].events[-1] == "the computation waits for the copies"
    assert arrived.device == SECOND
    assert torch.equal(arrived.cpu(), numbers[:, 1:].cpu())


def test_what_is_not_asked_for_is_waited_for_in_the_end(streams: dict[torch.device, DeferredStream]) -> None:
    numbers = torch.ones(2, device=FIRST)
    with DeviceTransfers(streams.__getitem__) as transfers:
        first, _ = transfers.begin(numbers, SECOND), transfers.begin(numbers, SECOND)
        first()
        assert len(streams[SECOND].waiting) == 1
    assert not streams[SECOND].waiting


def test_a_tensor_that_is_there_already_is_not_copied(streams: dict[torch.device, DeferredStream]) -> None:
    numbers = torch.ones(2, device=FIRST, requires_grad=True)
    found = DeviceTransfers(streams.__getitem__).begin(numbers * 2, FIRST)()
    assert not found.requires_grad
    assert torch.equal(found.cpu(), torch.full((2,), 2.0))
    assert not streams[FIRST].events
