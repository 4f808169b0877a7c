"""Measures this machine's speed, for estimates: large matrix products by dtype, and memory bandwidth."""

import time
from collections.abc import Callable

import torch

from pruning.estimate import Machine
from pruning.runtime.device import current_device, describe, dtype_name, total_memory

_DTYPES = {
    "cpu": (torch.float32, torch.bfloat16),
    "cuda": (torch.float32, torch.bfloat16, torch.float16),
}
_SIZE = {"cpu": 1024, "cuda": 8192}
_SMALL = 512
_BUFFER_BYTES = {"cpu": 1 << 27, "cuda": 1 << 30}


def measure_machine(*devices: torch.device, seconds: float = 0.2) -> Machine:
    """Measure the machine. Takes about `seconds` for each dtype, and as long for the memory.

    Of several `devices` the first is measured, and the others are assumed to be equal.
    """
    device = devices[0]
    with current_device(device):
        return Machine(
            device=describe(*devices),
            devices=len(devices),
            memory_bytes=min(map(total_memory, devices)),
            operations_per_second={
                dtype_name(dtype): product_rate(device, dtype, seconds=seconds)
                for dtype in _DTYPES[device.type]
            },
            bytes_per_second=_memory_rate(device, seconds),
        )


def product_rate(device: torch.device, dtype: torch.dtype, *, seconds: float = 1.0) -> float:
    """Return the peak rate of large square matrix products, in operations per second.

    A small product is timed first: a dtype that the device only emulates would take seconds for a large one.
    """
    size = _SIZE[device.type]
    small = _min_seconds(_product(device, dtype, _SMALL), device, seconds / 10)
    if small * (size / _SMALL) ** 3 > 10 * seconds:
        return 2 * _SMALL**3 / small
    return 2 * size**3 / _min_seconds(_product(device, dtype, size), device, seconds)


def _product(device: torch.device, dtype: torch.dtype, size: int) -> Callable[[], object]:
    one = torch.ones(size, size, dtype=dtype, device=device)
    out = torch.empty_like(one)
    return lambda: torch.matmul(one, one, out=out)


def _memory_rate(device: torch.device, seconds: float) -> float:
    """Return the bytes per second, read and written, of an addition in place."""
    numbers = torch.ones(_BUFFER_BYTES[device.type] // 4, device=device)
    return 2 * numbers.nbytes / _min_seconds(lambda: numbers.add_(1.0), device, seconds)


def _min_seconds(call: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Return the shortest time of one call within `seconds`; other processes only add time."""
    call()
    _synchronize(device)
    best, until = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < until:
        started = time.perf_counter()
        call()
        _synchronize(device)
        best = min(best, time.perf_counter() - started)
    return best


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
