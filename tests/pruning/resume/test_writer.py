"""Blocks are made durable one after the other, during the computation or at once."""

import threading
from collections.abc import Iterator, Mapping

import pytest
import torch
from torch import Tensor

from pruning.resume.writer import BackgroundWriter, BlockWriter, DirectWriter, writer_for
from pruning.runtime.pinned_memory import NoPinning, PinnedArena
from tests.pruning.pretended_cuda import CPU, CUDA, pretended_cuda
from tests.pruning.runtime.recorded_pinning import RecordedPinning

SECONDS = 30.0


def background() -> BackgroundWriter:
    return BackgroundWriter(PinnedArena(NoPinning(), 1 << 20))


@pytest.fixture(params=[DirectWriter, background], ids=["direct", "background"])
def writer(request: pytest.FixtureRequest) -> BlockWriter:
    made: BlockWriter = request.param()
    return made


def block(number: int) -> dict[str, Tensor]:
    return {"norms": torch.full((3,), float(number))}


def test_blocks_are_written_in_order_and_all_are_durable_in_the_end(writer: BlockWriter) -> None:
    durable: list[float] = []

    def write(tensors: Mapping[str, Tensor]) -> None:
        durable.append(tensors["norms"][0].item())

    with writer:
        for number in range(4):
            writer.put(block(number), write)
            assert number - 1 <= len(durable) - 1  # one is in flight at most
        writer.drain()
        assert durable == [0, 1, 2, 3]
        writer.put(block(4), write)
    assert durable == [0, 1, 2, 3, 4]


def test_a_block_is_written_while_the_caller_goes_on_and_the_next_one_waits_for_it() -> None:
    may_write, began, second_is_put = threading.Event(), threading.Event(), threading.Event()
    durable: list[int] = []

    def first(_: Mapping[str, Tensor]) -> None:
        began.set()
        assert may_write.wait(SECONDS)
        durable.append(1)

    with background() as writer:
        writer.put(block(1), first)
        assert began.wait(SECONDS)  # and the caller is here, though nothing is durable
        assert durable == []

        def put_second() -> None:
            writer.put(block(2), lambda _: durable.append(2))
            second_is_put.set()

        caller = threading.Thread(target=put_second)
        caller.start()
        assert not second_is_put.wait(0.2)
        may_write.set()
        assert second_is_put.wait(SECONDS)
        caller.join()
    assert durable == [1, 2]


def fail(_: Mapping[str, Tensor]) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("how", ["put", "drain", "leave"])
def test_an_error_of_the_writer_ends_the_stage(writer: BlockWriter, how: str) -> None:
    durable: list[Mapping[str, Tensor]] = []

    def stage() -> None:
        with writer:
            writer.put(block(1), fail)
            if how == "put":
                writer.put(block(2), durable.append)
            elif how == "drain":
                writer.drain()

    with pytest.raises(OSError, match="No space left"):
        stage()
    assert durable == []


def test_whatever_ends_the_stage_the_block_in_flight_is_finished_first() -> None:
    durable, began = [], threading.Event()

    def write(_: Mapping[str, Tensor]) -> None:
        began.set()
        threading.Event().wait(0.2)
        durable.append(True)

    def stage() -> None:
        with background() as writer:
            writer.put(block(1), write)
            assert began.wait(SECONDS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage()
    assert durable == [True]


def test_an_error_of_the_block_in_flight_does_not_replace_what_ended_the_stage() -> None:
    def stage() -> None:
        with background() as writer:
            writer.put(block(1), fail)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage()


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with pretended_cuda(monkeypatch):
        yield


@pytest.mark.usefixtures("cuda")
def test_what_the_device_has_computed_is_copied_into_pinned_memory_that_is_used_again() -> None:
    pinning = RecordedPinning()
    found: list[list[float]] = []

    def write(tensors: Mapping[str, Tensor]) -> None:
        found.append(tensors["norms"].tolist())

    with BackgroundWriter(PinnedArena(pinning, 1 << 20)) as writer:
        for number in range(3):
            norms = torch.full((3,), float(number), device=CUDA)
            writer.put({"norms": norms}, write)
            norms.fill_(9.0)  # its memory is what the device computes in next
        writer.drain()
        assert pinning.calls == 1
    assert found == [[0.0] * 3, [1.0] * 3, [2.0] * 3]
    assert not pinning.pinned


@pytest.mark.usefixtures("cuda")
def test_where_nothing_can_be_pinned_the_copy_is_an_ordinary_one() -> None:
    found: list[list[float]] = []
    with BackgroundWriter(PinnedArena(RecordedPinning(most=0), 1 << 20)) as writer:
        writer.put(
            {"norms": torch.ones(3, device=CUDA)}, lambda tensors: found.append(tensors["norms"].tolist())
        )
    assert found == [[1.0] * 3]


@pytest.mark.usefixtures("cuda")
def test_a_cpu_writes_at_once_and_a_gpu_in_the_background() -> None:
    assert isinstance(writer_for(CPU), DirectWriter)
    with writer_for(CUDA) as writer:
        assert isinstance(writer, BackgroundWriter)
