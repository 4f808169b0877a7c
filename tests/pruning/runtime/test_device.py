"""The choice of devices and dtype, the current device, and what counts as out of memory."""

import errno
from contextlib import AbstractContextManager, nullcontext

import pytest
import torch

from pruning.errors import InvalidInput
from pruning.runtime import device as device_module
from pruning.runtime.device import (
    compute_devices,
    compute_dtype,
    current_device,
    describe,
    is_device_broken,
    is_out_of_memory,
    usable_devices,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
FLOAT64, FLOAT32, BFLOAT16, FLOAT16 = torch.float64, torch.float32, torch.bfloat16, torch.float16


@pytest.mark.parametrize(
    ("device", "has_bfloat16", "expected"),
    [
        (CPU, False, {FLOAT64: FLOAT64, FLOAT32: FLOAT32, BFLOAT16: FLOAT32, FLOAT16: FLOAT32}),
        (CPU, True, {FLOAT64: FLOAT64, FLOAT32: BFLOAT16, BFLOAT16: BFLOAT16, FLOAT16: FLOAT32}),
        (CUDA, False, {FLOAT64: FLOAT64, FLOAT32: FLOAT16, BFLOAT16: FLOAT16, FLOAT16: FLOAT16}),
        (CUDA, True, {FLOAT64: FLOAT64, FLOAT32: BFLOAT16, BFLOAT16: BFLOAT16, FLOAT16: FLOAT16}),
    ],
)
def test_auto_is_narrow_where_the_device_has_instructions_for_it(
    device: torch.device,
    has_bfloat16: bool,
    expected: dict[torch.dtype, torch.dtype],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pruning.runtime.device.has_native_bfloat16", lambda: has_bfloat16)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bfloat16)
    assert {stored: compute_dtype("auto", stored, device) for stored in expected} == expected
    assert all(compute_dtype("float32", stored, device) == FLOAT32 for stored in expected)


def test_a_failed_host_allocation_counts_as_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@pytest.mark.parametrize(
    "message",
    [
        # As the sources of torch and Triton word them.
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",  # cudaHostAlloc
        "CUDA driver error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "Triton Error [CUDA]: out of memory",
    ],
)
def test_what_cuda_and_its_libraries_say_without_memory_counts_too(message: str) -> None:
    assert is_out_of_memory(RuntimeError(message))
    assert not is_out_of_memory(ValueError(message))


GB = 10**9


@pytest.mark.parametrize(
    ("message", "free", "reserved", "expected"),
    [
        # As torch words them, for a library's handle on a device that is full, and on one that is not.
        ("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", 0.1, 79, True),
        ("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", 60, 19, False),
        (
            "cusolver error: CUSOLVER_STATUS_INTERNAL_ERROR, when calling `cusolverDnCreate(handle)`",
            0.1,
            1,
            True,
        ),
        # On a device that this process does not use, others may hold the memory.
        ("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", 0.1, 0, False),
        # Not a handle: the numbers or the device are at fault.
        (
            "cusolver error: CUSOLVER_STATUS_INTERNAL_ERROR, when calling `cusolverDnSpotrf(handle)`",
            0.1,
            79,
            False,
        ),
    ],
)
def test_a_library_without_a_handle_has_met_a_full_device(
    message: str, free: float, reserved: float, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: int(reserved * GB))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (int(free * GB), 80 * GB))
    assert is_out_of_memory(RuntimeError(message)) is expected
    assert is_device_broken(RuntimeError(message)) is not expected


def test_a_device_that_cannot_report_its_memory_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(device: object) -> tuple[int, int]:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: GB)
    monkeypatch.setattr(torch.cuda, "mem_get_info", refuse)
    error = RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`")
    assert is_device_broken(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`"),
        RuntimeError("out of resource: shared memory, Required: 300000, Hardware limit: 232448"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_other_failures_are_not_mistaken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_a_mapping_that_the_system_refuses_counts_as_out_of_memory() -> None:
    assert is_out_of_memory(OSError(errno.ENOMEM, "Cannot allocate memory"))


def test_a_fake_device_guard_is_entered_for_cuda_only(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[torch.device] = []

    def fake_guard(device: torch.device) -> AbstractContextManager[None]:
        entered.append(device)
        return nullcontext()

    monkeypatch.setattr(torch.cuda, "device", fake_guard)
    second = torch.device("cuda:1")
    with current_device(CPU), current_device(second):
        assert entered == [second]


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")


FIRST, SECOND = torch.device("cuda:0"), torch.device("cuda:1")


@pytest.mark.usefixtures("two_gpus")
def test_a_list_names_devices_in_the_order_in_which_they_are_used() -> None:
    assert compute_devices("cuda:1,cuda:0") == (SECOND, FIRST)
    assert compute_devices("cuda:1") == (SECOND,)
    assert compute_devices("cpu") == (CPU,)
    assert describe(*compute_devices("cuda:0,cuda:1")) == "cuda:0 (GPU 0), cuda:1 (GPU 1)"


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("cuda:0,cuda:2", "device 'cuda:2' does not exist: this machine has 2 CUDA devices"),
        ("cuda:0,cuda:0", "device 'cuda:0,cuda:0' has a device twice"),
        ("cuda:0,cpu", "a list has CUDA devices by number"),
        ("auto,cuda:1", "a list has CUDA devices by number"),
        ("cuda,cuda:1", "a list has CUDA devices by number"),
        ("cuda:0,", "device '' is unknown"),
        ("cuda:0,toaster", "device 'toaster' is unknown"),
    ],
)
def test_a_list_with_anything_else_is_refused(names: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        compute_devices(names)
    assert refused.value.field == "device"


@pytest.mark.usefixtures("two_gpus")
def test_devices_are_usable_if_each_computes_and_numbers_pass_between_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    computed: list[torch.device] = []
    broken: set[tuple[torch.device, torch.device]] = set()
    monkeypatch.setattr(device_module, "computes_correctly", lambda device: computed.append(device) or True)
    monkeypatch.setattr(device_module, "copies_correctly", lambda *pair: pair not in broken)
    assert usable_devices("cuda:0,cuda:1") == tuple(computed) == (FIRST, SECOND)
    broken.add((SECOND, FIRST))
    with pytest.raises(InvalidInput, match="between cuda:0 and cuda:1") as refused:
        usable_devices("cuda:0,cuda:1")
    assert refused.value.field == "device"
    monkeypatch.setattr(device_module, "computes_correctly", lambda device: device != SECOND)
    with pytest.raises(InvalidInput, match="cuda:1 computes wrong numbers"):
        usable_devices("cuda:0,cuda:1")
