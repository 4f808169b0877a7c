"""Checks 0 and 1: the machine, and the first thing that every run does on it."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import torch

from bench.gpu_check.context import GB, Context
from pruning.runtime.determinism import full_float32_products
from pruning.runtime.device import computes_correctly, keeps_float32
from pruning.runtime.process_memory import host_memory
from pruning.sandbox.privileges import close_to_others

_DRIVER = Path("/proc/driver/nvidia/version")
# Of the variables that change how CUDA, and what is built on it, works.
_PREFIXES = ("CUBLAS", "CUDA", "CUDNN", "NVIDIA", "PYTORCH", "TORCH", "TRITON")


def versions(at: Context) -> None:
    """Check 0: note what else decides the figures; every result also has the versions of packages."""
    at.record("CPU cores", float(os.cpu_count() or 0))
    at.record("free disk, GB", shutil.disk_usage(at.scratch).free / GB)
    # Triton compiles a launcher with it.
    at.record("C compiler", shutil.which("cc") or shutil.which("gcc") or shutil.which("clang") or "none")
    if at.on_gpu:
        properties = torch.cuda.get_device_properties(at.device)
        at.record("compute capability", f"{properties.major}.{properties.minor}")
        at.record("multiprocessors", float(properties.multi_processor_count))
        at.record("device memory, GB", properties.total_memory / GB)
        free, total = torch.cuda.mem_get_info(at.device)
        at.record("taken on the device by this process's context and by others, GB", (total - free) / GB)
        at.record("driver", _DRIVER.read_text().partition("\n")[0] if _DRIVER.exists() else "unknown")
        at.record("cuDNN", str(torch.backends.cudnn.version()))  # type: ignore[no-untyped-call]
    at.record("host memory, GB", host_memory() / GB)
    found = (f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(_PREFIXES))
    at.record("environment", " ".join(found))
    with full_float32_products():
        at.require("float32 products are not rounded to TF32", keeps_float32(at.device))
        at.require("a worker's self-test of its device passes", computes_correctly(at.device))


def first_reset(at: Context) -> None:
    """Check 1: a run on 'auto' resets the peak statistics before anything else has woken the device.

    The process is closed to others, as a worker's children are before they use the device.
    """
    from pruning.runtime.device import compute_device
    from pruning.runtime.process_memory import PeakMemory

    with suppress(OSError):
        close_to_others()
    device = compute_device("cpu" if at.device.type == "cpu" else "auto")
    at.require("'auto' is the device that is checked", device.type == at.device.type)
    memory = PeakMemory(device)
    memory.reset()
    kept = torch.ones(1 << 20, device=device)
    at.require("the peak counts a tensor that was made after the reset", memory.peak() >= kept.nbytes)
