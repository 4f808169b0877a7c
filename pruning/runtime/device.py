"""Where and in which precision a run computes."""

import torch

from pruning.errors import InvalidInput
from pruning.recipe import ComputeDtype


def compute_device(name: str) -> torch.device:
    """'auto' is the first CUDA device, or the CPU without one. Raises InvalidInput(field='device')."""
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InvalidInput(f"device {name!r} is none; use auto, cpu or cuda", field="device") from error
    if device.type not in ("cpu", "cuda"):
        raise InvalidInput(f"device {name!r} is not supported; use auto, cpu or cuda", field="device")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidInput(
            f"device {name!r} is not there: this machine has {torch.cuda.device_count()} CUDA devices; "
            "use auto or cpu",
            field="device",
        )
    return device


def compute_dtype(requested: ComputeDtype, stored: torch.dtype, device: torch.device) -> torch.dtype:
    """As requested. 'auto' is a narrow dtype where the device has instructions for it: bfloat16, or on a GPU
    float16 for weights that are stored so or where there is no bfloat16. Elsewhere it is float32, and float64
    for weights that are stored so. Sums over tokens and windows are float32 at least.
    """
    if requested != "auto":
        dtype = getattr(torch, requested)
        assert isinstance(dtype, torch.dtype)  # noqa: S101 - the recipe allows names of dtypes only
        return dtype
    if stored == torch.float64:
        return stored
    if device.type == "cpu":
        # The narrow products of CPUs are of bfloat16; float16 weights would lose three of their bits.
        return torch.bfloat16 if stored != torch.float16 and has_native_bfloat16() else torch.float32
    if stored == torch.float16 or not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def has_native_bfloat16() -> bool:
    """Whether this CPU multiplies matrices of bfloat16 by instructions made for them."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def experts_implementation(dtype: torch.dtype) -> str | None:
    """How transformers is to run fused experts in `dtype`: its grouped product knows no float64. None leaves
    it the choice.
    """
    return "eager" if dtype == torch.float64 else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a computation failed because the device, or the host, has no more memory to give."""
    # torch raises a plain RuntimeError for the host's.
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def describe(device: torch.device) -> str:
    """For the report: 'cpu', or the CUDA device with its name."""
    return device.type if device.type == "cpu" else f"{device} ({torch.cuda.get_device_name(device)})"
