"""Threads in which owners take turns."""

import time
from collections.abc import Iterator
from threading import Event

import pytest

from scheduler.fair_threads import Call, FairThreadPool

SECONDS = 20.0


@pytest.fixture
def threads() -> Iterator[FairThreadPool]:
    threads = FairThreadPool(2, "test")
    yield threads
    threads.stop()


def call(what: object) -> Call[object]:
    return Call(lambda: what, time.monotonic)


class Gate:
    """A call that is under way until a test ends it."""

    def __init__(self, threads: FairThreadPool, owner: str) -> None:
        self.began, self._end = Event(), Event()
        self.call = Call(self._run, time.monotonic)
        threads.submit(owner, self.call)

    def _run(self) -> None:
        self.began.set()
        assert self._end.wait(SECONDS)

    def end(self) -> None:
        self._end.set()
        self.call.result.result(SECONDS)


def test_the_owner_served_longest_ago_is_next(threads: FairThreadPool) -> None:
    gates = [Gate(threads, "ada"), Gate(threads, "eve")]
    assert all(gate.began.wait(SECONDS) for gate in gates)
    order: list[str] = []
    calls = [
        Call(lambda owner=owner: order.append(owner), time.monotonic)
        for owner in [*["ada"] * 3, *["eve"] * 3, "mia"]
    ]
    for owner, one in zip([*["ada"] * 3, *["eve"] * 3, "mia"], calls, strict=True):
        threads.submit(owner, one)
    gates[0].end()  # while eve's goes on, one thread serves ada and mia
    for one in (*calls[:3], calls[6]):
        one.result.result(SECONDS)
    assert order == ["mia", "ada", "ada", "ada"]
    gates[1].end()
    for one in calls:
        one.result.result(SECONDS)
    assert order[4:] == ["eve"] * 3


def test_what_hangs_for_one_owner_leaves_threads_for_others(threads: FairThreadPool) -> None:
    gates = [Gate(threads, "ada") for _ in range(2)]
    assert gates[0].began.wait(SECONDS)
    of_eve = call("done")
    threads.submit("eve", of_eve)
    assert of_eve.result.result(SECONDS) == "done"
    assert (gates[1].began.is_set(), gates[1].call.began_at) == (False, None)
    gates[0].end()
    gates[1].end()


def test_an_error_is_raised_to_the_caller_of_the_result(threads: FairThreadPool) -> None:
    fails = Call(lambda: {}["nothing"], time.monotonic)
    threads.submit("ada", fails)
    with pytest.raises(KeyError):
        fails.result.result(SECONDS)
    after = call(1)
    threads.submit("ada", after)
    assert after.result.result(SECONDS) == 1
