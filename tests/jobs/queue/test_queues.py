"""The choice of a queue, compared with a straightforward search."""

import itertools
import random

import pytest

from jobs.queue.resources import (
    UNKNOWN_NEEDS,
    Capacity,
    Needs,
    capacities_by_queue,
    fits,
    queue_name,
    smallest_that_fits,
    unschedulable_reason,
)

GB, GIB = 10**9, 2**30

# What torch calls the total memory of real cards, in GiB.
CARDS = {
    "gpu.16g": 14.6,  # T4
    "gpu.24g": 22.1,  # A10
    "gpu.32g": 31.4,  # RTX 5090
    "gpu.40g": 39.4,  # A100
    "gpu.48g": 44.4,  # L40S
    "gpu.80g": 79.1,  # H100
    "gpu.94g": 93.1,  # H100 NVL
    "gpu.141g": 139.8,  # H200
    "gpu.180g": 178.4,  # B200
}


def gpu(gibibytes: float, *, gpus: int = 1, host: int = 500 * GB, scratch: int = 10_000 * GB) -> Capacity:
    return Capacity(gpus=gpus, device_bytes=int(gibibytes * GIB), host_bytes=host, scratch_bytes=scratch)


def cpu(host: int = 60 * GB, scratch: int = 1000 * GB) -> Capacity:
    return Capacity(host_bytes=host, scratch_bytes=scratch)


@pytest.mark.parametrize(("name", "gibibytes"), CARDS.items())
def test_a_card_is_named_by_the_size_that_it_is_sold_with(name: str, gibibytes: float) -> None:
    assert queue_name(gpu(gibibytes)) == name
    assert queue_name(gpu(gibibytes - 0.5)) == name, "what a process takes for itself makes no other queue"


def test_a_gpu_in_use_has_a_smaller_queue_and_several_gpus_are_counted() -> None:
    assert queue_name(gpu(79.1 - 50)) == "gpu.32g"
    assert queue_name(gpu(79.1, gpus=2)) == "gpu.2x80g"
    assert queue_name(gpu(0.5)) == "gpu.4g"
    assert queue_name(cpu()) == "cpu"


def test_a_queue_has_what_its_workers_have_the_smallest_first() -> None:
    small, large = gpu(78, host=200 * GB, scratch=8), gpu(79, host=100 * GB, scratch=9)
    assert capacities_by_queue(
        [("gpu.80g", large), ("cpu", cpu()), ("gpu.80g", small), ("gpu.80g", small)]
    ) == {
        "gpu.80g": (small, large),
        "cpu": (cpu(),),
    }


def naive_fits(needs: Needs, capacity: Capacity) -> bool:
    if capacity.gpus == 0 and needs.gpus == 0:
        return capacity.host_bytes >= needs.cpu_bytes and capacity.scratch_bytes >= needs.cpu_scratch_bytes
    if capacity.gpus == 0 or capacity.scratch_bytes < needs.scratch_bytes:
        return False
    return (
        capacity.gpus >= needs.gpus
        and capacity.device_bytes >= needs.device_bytes
        and capacity.host_bytes >= needs.host_bytes
    )


def naive_choice(needs: Needs, queues: dict[str, tuple[Capacity, ...]]) -> set[str]:
    """The queues of the workers that no other one is better than, asked pair by pair."""
    workers = [(name, capacity) for name, has in queues.items() for capacity in has]

    def better(first: tuple[str, Capacity], second: tuple[str, Capacity]) -> bool:
        (one, a), (other, b) = first, second
        if (a.gpus == 0) != (b.gpus == 0):
            cpu_first = needs.cpu_seconds <= 900
            return (a.gpus == 0) == cpu_first
        for of_a, of_b in (
            (a.gpus, b.gpus),
            (a.device_bytes, b.device_bytes),
            (a.host_bytes, b.host_bytes),
            (a.scratch_bytes, b.scratch_bytes),
        ):
            if of_a != of_b:
                return of_a < of_b
        return one < other

    fitting = [it for it in workers if naive_fits(needs, it[1])]
    return {one[0] for one in fitting if not any(better(other, one) for other in fitting if other != one)}


def test_the_choice_is_that_of_a_straightforward_search() -> None:
    draw = random.Random(0)  # noqa: S311 - cases, no secrets
    sizes = (0, 1, 24, 80, 141)
    for _ in range(2000):
        names = ["a", "b", "c", "d"][: draw.randrange(5)]
        queues: dict[str, tuple[Capacity, ...]] = {
            name: tuple(
                Capacity(
                    gpus=draw.randrange(3),
                    device_bytes=draw.choice(sizes),
                    host_bytes=draw.choice(sizes),
                    scratch_bytes=draw.choice(sizes),
                )
                for _ in range(draw.randrange(1, 4))
            )
            for name in names
        }
        needs = Needs(
            gpus=draw.randrange(3),
            device_bytes=draw.choice(sizes),
            host_bytes=draw.choice(sizes),
            cpu_bytes=draw.choice(sizes),
            scratch_bytes=draw.choice(sizes),
            cpu_scratch_bytes=draw.choice(sizes),
            cpu_seconds=draw.choice((0, 900, 901)),
        )
        for capacity in itertools.chain(*queues.values()):
            # Without a GPU, what the device has is nothing.
            assert fits(needs, capacity) == naive_fits(needs, capacity)
        found = smallest_that_fits(needs, queues)
        assert ({found} if found else set()) == naive_choice(needs, queues), (needs, queues)


def test_a_job_of_which_nothing_is_known_begins_with_the_smallest_gpu() -> None:
    queues = {"cpu": (cpu(),), "gpu.80g": (gpu(79),), "gpu.24g": (gpu(23),)}
    assert smallest_that_fits(UNKNOWN_NEEDS, queues) == "gpu.24g"
    assert smallest_that_fits(UNKNOWN_NEEDS, {"cpu": (cpu(),)}) == "cpu"
    assert smallest_that_fits(UNKNOWN_NEEDS, {}) is None


def test_the_reason_of_an_unschedulable_job_has_numbers_and_a_remedy() -> None:
    needs = Needs(device_bytes=62 * GB, host_bytes=4 * GB, cpu_bytes=700 * GB, scratch_bytes=4000 * GB)
    queues = {"cpu": (cpu(),), "gpu.24g": (gpu(12), gpu(22.5))}
    said = unschedulable_reason(needs, queues)
    assert "the nearest worker is of the queue gpu.24g" in said
    assert "needs 62.0 GB of GPU memory (it has 24.2 GB of GPU memory)" in said
    assert "a worker of the queue gpu.80g or larger" in said
    assert "scratch" not in said, "of the disk there is enough"
    on_disk = unschedulable_reason(needs, {"gpu.80g": (gpu(79, scratch=GB),)})
    assert "needs 4000.0 GB of scratch disk (it has 1.0 GB of scratch disk)" in on_disk
    assert "more free disk" in on_disk
    two = unschedulable_reason(Needs(gpus=2), {"gpu.80g": (gpu(79),)})
    assert "needs 2 GPUs (it has 1 GPU)" in two
    on_gpu = unschedulable_reason(Needs(gpus=1), {"cpu": (cpu(),)})
    assert "needs 1 GPU (it has no GPU)" in on_gpu


@pytest.mark.parametrize("needs", [Needs(), UNKNOWN_NEEDS, Needs(device_bytes=62 * GB)])
def test_after_running_out_of_memory_a_job_needs_a_larger_worker(needs: Needs) -> None:
    small = gpu(23)
    had = {"gpus": 1, "device_bytes": small.device_bytes, "host_bytes": small.host_bytes}
    more = needs.raised_above(**had, of_host=False)
    assert not fits(more, small)
    assert not fits(more, cpu())
    assert fits(more, gpu(79))
    of_host = needs.raised_above(**had, of_host=True)
    assert of_host.device_bytes == needs.device_bytes
    assert not fits(of_host, gpu(79).model_copy(update={"host_bytes": small.host_bytes}))
    assert not fits(of_host, cpu(small.host_bytes)), "which holds what the GPU does as well"
    on_cpu = needs.raised_above(gpus=0, device_bytes=0, host_bytes=60 * GB, of_host=True)
    assert not fits(on_cpu, cpu(60 * GB))
    assert not fits(on_cpu, cpu(67 * GB)), "a machine like it is of no help"
    assert fits(on_cpu, cpu(68 * GB))
