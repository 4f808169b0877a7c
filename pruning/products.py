"""Which library forms the float32 matrix products of a backward pass on a CPU.

torch asks MKL, which has no AVX512 code for AMD's processors; oneDNN has, and is a tenth faster there. But
torch asks oneDNN for float32 products only where it permits them to be rounded to bfloat16 on the way. The
permission is given here where oneDNN makes no use of it, which it does on processors with AMX alone.

It sums the terms of a product one by one, and so rounds more than MKL. In a backward pass through blocks that
makes no difference to gradient norms. In a forward pass it would: they are a hundred times as sensitive to
it; and in the product with a head's whole vocabulary.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import torch

_SETTINGS: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
_PERMITTED = "bf16"

_PROBE = (256, 512, 256)
_FLOAT32_ERROR = 1e-6  # of a product; with bfloat16 inputs it is a thousand times as much


@contextmanager
def fast_backward_products(device: torch.device) -> Iterator[None]:
    """While active, float32 products on `device` are the machine's fastest that are float32 to the end."""
    with _permitting() if _is_fast_and_exact(device) else nullcontext():
        yield


def backward_products(device: torch.device) -> str:
    """Which library forms them: it decides their last bits."""
    return "oneDNN" if _is_fast_and_exact(device) else "torch's choice"


def _is_fast_and_exact(device: torch.device) -> bool:
    return device.type == "cpu" and _is_faster_by_onednn() and _onednn_is_exact()


@contextmanager
def _permitting() -> Iterator[None]:
    before, _SETTINGS.fp32_precision = _SETTINGS.fp32_precision, _PERMITTED
    try:
        yield
    finally:
        _SETTINGS.fp32_precision = before


def _is_faster_by_onednn() -> bool:
    processor = torch.cpu.get_capabilities()
    return (
        str(processor.get("cpu_name")).startswith("AMD")
        and bool(processor.get("avx512_bw"))
        and not processor.get("amx_bf16")
    )


@cache
def _onednn_is_exact() -> bool:
    """Of the release that this torch has: another one might make use of the permission."""
    rows, inner, columns = _PROBE
    numbers = torch.Generator().manual_seed(0)
    one, other = (torch.randn(shape, generator=numbers) for shape in ((rows, inner), (inner, columns)))
    exact = one.double() @ other.double()
    with _permitting():
        product = one @ other
    return bool((product - exact).norm() < _FLOAT32_ERROR * exact.norm())
