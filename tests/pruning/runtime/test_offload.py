"""Tensors leave for pinned memory and come back during the computation, and nothing is used too early."""

import pytest
import torch
from torch import Tensor

from pruning.runtime.copy_streams import Offload
from tests.pruning.runtime.deferred_stream import ForgetfulStream, Mark

CPU = torch.device("cpu")
QUEUED = ["memory is taken", "copies wait for the computation", "copy"]
WAITED = "the computation waits for the copies"


@pytest.fixture
def stream() -> ForgetfulStream:
    return ForgetfulStream()


@pytest.fixture
def offload(stream: ForgetfulStream) -> Offload[Mark]:
    return Offload(CPU, lambda: stream)


def test_a_tensor_leaves_while_the_next_one_is_computed(
    stream: ForgetfulStream, offload: Offload[Mark]
) -> None:
    numbers, pinned = torch.rand(3, 4, 5), torch.zeros(3, 4, 5)
    for turn in range(3):
        offload.send(numbers[turn].clone(), pinned[turn])
        assert len(stream.waiting) == 1  # only the last one may still be under way
        assert torch.equal(pinned[:turn], numbers[:turn])
        assert not pinned[turn].any()
    assert stream.events == [*QUEUED, *QUEUED, WAITED, *QUEUED, WAITED]
    offload.close()
    assert torch.equal(pinned, numbers)


def test_a_tensor_arrives_while_the_one_before_it_is_computed(
    stream: ForgetfulStream, offload: Offload[Mark]
) -> None:
    pinned = torch.rand(3, 4, 5).unbind()
    for turn in range(3):
        found = offload.fetch(pinned[turn])
        assert torch.equal(found, pinned[turn])
        assert found.data_ptr() != pinned[turn].data_ptr()
        if turn + 1 < 3:
            offload.prefetch(pinned[turn + 1])
            offload.prefetch(pinned[turn + 1])  # once is enough
            assert len(stream.waiting) == 1
    assert stream.events == [*QUEUED, WAITED, *QUEUED, WAITED, *QUEUED, WAITED]


def test_memory_on_the_host_is_used_again_after_the_copies_that_need_it(
    stream: ForgetfulStream, offload: Offload[Mark]
) -> None:
    one, other, pinned = torch.rand(5), torch.rand(5), torch.zeros(5)
    offload.send(one, pinned)
    fetched = offload.fetch(pinned)
    assert torch.equal(fetched, one)
    offload.prefetch(pinned)
    offload.discard(pinned)
    assert not stream.waiting
    offload.send(other, pinned)
    assert torch.equal(offload.fetch(pinned), other)


def test_a_foreign_tensor_is_copied_by_the_host_after_all_earlier_copies(
    stream: ForgetfulStream,
) -> None:
    offload, pinned = Offload(torch.device("meta"), lambda: stream), torch.zeros(5)
    late: Tensor = torch.rand(5)
    stream.copy(pinned, late)  # under way
    offload.send(torch.ones(5), pinned)
    assert torch.equal(pinned, torch.ones(5))


def test_the_host_reads_what_has_landed_in_its_own_memory(
    stream: ForgetfulStream, offload: Offload[Mark]
) -> None:
    sent, pinned = torch.rand(2, 5), torch.zeros(2, 5)
    for turn in range(2):
        offload.send(sent[turn].clone(), pinned[turn])
    assert not pinned[1].any()
    before = list(stream.events)
    found = [offload.on_host(piece) for piece in pinned]
    assert torch.equal(torch.stack(found), sent)
    assert [piece.data_ptr() for piece in found] == [piece.data_ptr() for piece in pinned]
    assert stream.events == before  # no copy to the device, and none back


def test_nothing_that_is_on_its_way_outlives_the_end(stream: ForgetfulStream, offload: Offload[Mark]) -> None:
    pinned = torch.zeros(2, 5).unbind()
    offload.send(torch.ones(5), pinned[0])
    offload.prefetch(pinned[0])
    offload.prefetch(pinned[1])
    offload.close()
    assert not stream.waiting
    assert torch.equal(pinned[0], torch.ones(5))
    offload.close()  # and once more does no harm
