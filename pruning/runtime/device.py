"""Chooses and describes devices and the dtype of a computation, and tests devices and kernels before use.

The automatic choices use narrow dtypes only where the hardware has instructions for them. A test of a device
covers its arithmetic, its libraries and its copies. Triton's kernels are tested apart, each variant before it
is first used (`kernel_works`): torch's operations take the place of one that fails.
"""

import errno
import gc
import importlib.metadata
import logging
import mmap
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from pruning.errors import InvalidInput
from pruning.estimate.pieces import dtype_of
from pruning.recipe import ComputeDtype
from pruning.runtime.copy_streams import copy_stream_for
from pruning.runtime.determinism import full_float32_products
from pruning.runtime.pinned_memory import PinnedArena, pinning_for
from pruning.runtime.process_memory import host_memory

log = logging.getLogger(__name__)


def kernel_works(self_test: Callable[[], bool], kernel: str, result: str, otherwise: str) -> bool:
    """Whether the first call of a kernel compiles and passes its self-test. If not, a warning is logged.

    `kernel`, `result` and `otherwise`: for the warning, its name, what it computes, and its substitute.
    Raises the out-of-memory error.
    """
    try:
        passed = self_test()
    except Exception as error:  # a compiler can raise anything
        if is_out_of_memory(error):
            raise
        log.warning("%s does not run, using %s: %s", kernel, otherwise, error)
        return False
    if not passed:
        log.warning("%s gives wrong %s, using %s", kernel, result, otherwise)
    return passed


_SIZE = 32
_NUMBERS = 1 << 20


def computes_correctly(device: torch.device) -> bool:
    """Whether the device computes the right numbers. Raises RuntimeError where it does not compute at all.

    On CUDA that includes cuBLAS, cuSOLVER, and copies that overlap with the computation. It must be the
    current device.
    """
    works = bool((torch.ones(8, device=device) * 2).sum().item() == 16) and keeps_float32(device)
    if device.type == "cuda":
        return (
            works
            and _multiplies_correctly(device)
            and _factorises_correctly(device)
            and _copies_correctly(device)
        )
    return works


def copies_correctly(source: torch.device, target: torch.device) -> bool:
    """Whether copies to another device keep the numbers: some machines cannot copy between devices."""
    numbers = torch.arange(_NUMBERS, device=source)
    return torch.equal(numbers.to(target).cpu(), torch.arange(_NUMBERS))


def keeps_float32(device: torch.device) -> bool:
    """Whether products of float32 numbers keep 13 bits, of which TF32 has 11 and bfloat16 8."""
    numbers = torch.full((_SIZE, _SIZE), 1 + 2**-12, device=device)
    return torch.equal(numbers @ torch.eye(_SIZE, device=device), numbers)


def _multiplies_correctly(device: torch.device) -> bool:
    """Multiply whole bfloat16 numbers to float32 sums that bfloat16 cannot represent."""
    one = torch.full((_SIZE, _SIZE), 3, dtype=torch.bfloat16, device=device)
    product = torch.mm(one, one + 4, out_dtype=torch.float32)
    return bool((product == 3 * 7 * _SIZE).all())


def _factorises_correctly(device: torch.device) -> bool:
    """Factorise LLᵀ, where L is one on and below its diagonal."""
    expected = torch.ones(_SIZE, _SIZE, device=device).tril()
    return torch.allclose(torch.linalg.cholesky(expected @ expected.T), expected, atol=1e-4)


def _copies_correctly(device: torch.device) -> bool:
    """Copy a page of pinned memory to the device and back. Without pinned memory, copies are only slower."""
    stream, numbers = copy_stream_for(device), torch.arange(mmap.PAGESIZE).to(torch.uint8)
    with PinnedArena(pinning_for(device), mmap.PAGESIZE) as arena:
        page = arena.allocate([mmap.PAGESIZE], torch.uint8)
        if page is None:
            log.warning("the system pins no memory, so copies from and to %s are slower", device)
            return True
        page.copy_(numbers)
        there = torch.zeros(mmap.PAGESIZE, dtype=torch.uint8, device=device)
        stream.wait_before_copying(stream.record_compute())
        stream.copy(there, page)
        stream.wait_on_host(stream.record_copies())
        page.zero_()
        stream.copy(page, there)
        stream.wait_on_host(stream.record_copies())
        return torch.equal(page, numbers)


# Messages of plain RuntimeErrors: of torch's allocator of host memory, cudaHostAlloc, the driver, Triton's
# launcher, and the handles and workspaces of cuBLAS, cuSOLVER and cuDNN.
_OUT_OF_MEMORY = re.compile(
    r"can't allocate memory"
    r"|(CUDA error|CUDA driver error|Triton Error \[CUDA\]): out of memory"
    r"|(CUBLAS|CUSOLVER|CUDNN)_STATUS_ALLOC_FAILED"
)

# A handle's memory is not allocated by torch, and its failure may not be reported as out of memory.
_NO_HANDLE = re.compile(
    r"(CUBLAS|CUSOLVER|CUDNN)_STATUS_(NOT_INITIALIZED|INTERNAL_ERROR).*when calling `\w+Create"
)
_HANDLE_BYTES = 200_000_000  # at most, including the library's kernels

_BROKEN = re.compile(
    r"(CUDA error|CUDA driver error|Triton Error \[CUDA\]|NVML)"
    r"|(CUBLAS|CUSOLVER|CUDNN)_STATUS_(NOT_INITIALIZED|EXECUTION_FAILED|INTERNAL_ERROR|ARCH_MISMATCH)"
    r"|No CUDA GPUs are available|Found no NVIDIA driver"
)


def compute_device(name: str) -> torch.device:
    """Return the device of that name; 'auto' is the first CUDA device, or the CPU without one.

    Raises InvalidInput(field='device') for a name that torch does not know, another kind of device, and a
    CUDA device that this machine lacks.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InvalidInput(f"device {name!r} is unknown; use auto, cpu or cuda", field="device") from error
    if device.type not in ("cpu", "cuda"):
        raise InvalidInput(f"device {name!r} is not supported; use auto, cpu or cuda", field="device")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidInput(
            f"device {name!r} does not exist: this machine has {torch.cuda.device_count()} CUDA devices; "
            "use auto or cpu",
            field="device",
        )
    return device


def compute_devices(names: str) -> tuple[torch.device, ...]:
    """Return the devices of a list such as 'cuda:0,cuda:1', or the one of a single name.

    Raises InvalidInput(field='device') like `compute_device`, and for a list that has anything but CUDA
    devices by their numbers, or one of them twice.
    """
    listed = names.split(",")
    devices = tuple(map(compute_device, listed))
    if len(devices) == 1:
        return devices
    if "auto" in listed or any(device.index is None for device in devices):
        raise InvalidInput(
            f"device {names!r} is not supported: a list has CUDA devices by number, such as cuda:0,cuda:1",
            field="device",
        )
    if len(set(devices)) < len(devices):
        raise InvalidInput(f"device {names!r} has a device twice; name each at most once", field="device")
    return devices


def usable_devices(names: str) -> tuple[torch.device, ...]:
    """Return the devices of a list, or of one name, after testing each and the copies between them.

    Raises InvalidInput(field='device') like `compute_devices` and `usable_device`, and for two devices
    between which copies corrupt numbers.
    """
    found = compute_devices(names)
    if len(found) == 1:
        return (usable_device(names),)
    for device in found:
        usable_device(str(device))
    for one, other in zip(found, (*found[1:], found[0]), strict=True):
        if not (copies_correctly(one, other) and copies_correctly(other, one)):
            raise InvalidInput(
                f"copies between {one} and {other} corrupt numbers; repair the machine, or name one of them",
                field="device",
            )
    return found


def usable_device(name: str, *, devices: Path = Path("/dev")) -> torch.device:
    """Return the device of that name, after testing it.

    Raises InvalidInput(field='device') like `compute_device`, for a device that does not compute, and for
    'auto' on a machine with an NVIDIA GPU that torch cannot use: such a machine computes on its CPU only
    where the user asks for it. `devices`: the directory of the machine's device files.
    """
    device = compute_device(name)
    if name == "auto" and device.type == "cpu" and any(devices.glob("nvidia[0-9]*")):
        raise InvalidInput(
            "this machine has an NVIDIA GPU that torch cannot use; fix its driver or install a torch for "
            "CUDA, or set the device to cpu",
            field="device",
        )
    try:
        with current_device(device), full_float32_products():
            works = computes_correctly(device)
    except RuntimeError as error:
        raise InvalidInput(
            f"device {device} does not compute ({type(error).__name__})", field="device"
        ) from error
    if not works:
        raise InvalidInput(f"device {device} computes wrong numbers", field="device")
    return device


def is_device_broken(error: BaseException) -> bool:
    """Whether a computation failed in a way that needs a new process, or another machine."""
    return (
        isinstance(error, RuntimeError)
        and not is_out_of_memory(error)
        and _BROKEN.search(str(error)) is not None
    )


def compute_dtype(requested: ComputeDtype, stored: torch.dtype, device: torch.device) -> torch.dtype:
    """Return the dtype to compute in, for weights that are stored in `stored`; see `dtype_of`."""
    on_cpu = device.type == "cpu"
    has_bfloat16 = (
        has_native_bfloat16() if on_cpu else torch.cuda.is_bf16_supported(including_emulation=False)
    )
    name = dtype_of(requested, dtype_name(stored), device.type, has_bfloat16=has_bfloat16)
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)  # noqa: S101 - the recipe allows names of dtypes only
    return dtype


def dtype_name(dtype: torch.dtype) -> str:
    """Return the name that recipes, reports and estimates have for a dtype, such as `bfloat16`."""
    return str(dtype).removeprefix("torch.")


def has_native_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16 matrix products."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def experts_implementation(dtype: torch.dtype) -> str | None:
    """Return the value of transformers' `experts_implementation` for `dtype`; None: its own choice.

    Its grouped matrix product does not support float64.
    """
    return "eager" if dtype == torch.float64 else None


def current_device(device: torch.device) -> AbstractContextManager[object]:
    """While active, `device` is this thread's current CUDA device. On a CPU this does nothing.

    Kernel launches, pinned memory and library handles use the current device, whatever the device of the
    tensors: those on `cuda:1` would use `cuda:0`.
    """
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a computation failed because the device or the host ran out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, OSError):  # raised by mmap
        return error.errno == errno.ENOMEM
    if not isinstance(error, RuntimeError):
        return False
    message = str(error)
    return _OUT_OF_MEMORY.search(message) is not None or (
        _NO_HANDLE.search(message) is not None and _has_full_device()
    )


def is_device_out_of_memory(error: BaseException) -> bool:
    """Whether the memory that ran out (see `is_out_of_memory`) is a CUDA device's, not the host's."""
    return isinstance(error, torch.OutOfMemoryError) or "CUDA" in str(error) or "_STATUS_" in str(error)


def _has_full_device() -> bool:
    """Whether a device that this process uses has no room for a library's handle."""
    used = [device for device in range(torch.cuda.device_count()) if torch.cuda.memory_reserved(device)]
    try:
        return any(torch.cuda.mem_get_info(device)[0] < _HANDLE_BYTES for device in used)
    except RuntimeError:  # the device is broken
        return False


def total_memory(device: torch.device) -> int:
    """Return the bytes of a CUDA device's memory, or of the host's that this process may use."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return host_memory()


def free_memory(device: torch.device) -> int:
    """Return the free memory of a CUDA device, in bytes."""
    return int(torch.cuda.mem_get_info(device)[0])


def release_memory() -> None:
    """Release unused memory: of objects in cycles, and of torch's cache on CUDA devices.

    torch caches freed device memory for its own tensors. Until it is released, neither other processes nor
    the handles and kernels of libraries in this one can use it.
    Raises RuntimeError where the device is broken.
    """
    gc.collect()
    torch.cuda.empty_cache()


def describe(*devices: torch.device) -> str:
    """Return 'cpu', or each CUDA device with its product name, for the report."""
    return ", ".join(
        device.type if device.type == "cpu" else f"{device} ({torch.cuda.get_device_name(device)})"
        for device in devices
    )


def cuda_versions() -> dict[str, str | int]:
    """Return the versions of CUDA libraries that are installed independently of torch, or 'none'."""
    try:
        triton = importlib.metadata.version("triton")
    except importlib.metadata.PackageNotFoundError:
        triton = "none"
    cudnn: int | None = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return {"triton": triton, "cudnn": cudnn or "none"}
