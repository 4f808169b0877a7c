"""Deterministic algorithms on CUDA, with which equal gradient passes give equal bits.

Without them, the backward pass through attention adds in the order in which its thread blocks happen to
finish. A CPU always adds in a fixed order.

This module imports torch only where it is needed: cuBLAS's workspace must be set before that.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pruning.errors import InvalidInput

if TYPE_CHECKING:
    import torch

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
# The two values with which cuBLAS is deterministic. The first takes 32 MiB.
_FIXED_WORKSPACES = (":4096:8", ":16:8")


def fix_cublas_workspace() -> None:
    """Give cuBLAS workspaces of a fixed size, unless the environment sets others.

    Call it before torch is imported: cuBLAS reads the variable once. Child processes inherit it.
    """
    os.environ.setdefault(_WORKSPACE, _FIXED_WORKSPACES[0])


def refuse_variable_workspace(device: "torch.device") -> None:
    """Raise InvalidInput(field='deterministic') where cuBLAS would not give equal bits on this device."""
    found = os.environ.get(_WORKSPACE)
    if device.type == "cuda" and found not in _FIXED_WORKSPACES:
        raise InvalidInput(
            f"deterministic gradients on {device} need the environment variable {_WORKSPACE}="
            f"{_FIXED_WORKSPACES[0]} from before torch is imported, and it is "
            f"{'not set' if found is None else repr(found)}; set it, or pass deterministic=False",
            field="deterministic",
        )


@contextmanager
def deterministic_algorithms(device: "torch.device", *, enabled: bool) -> Iterator[None]:
    """While active, torch uses deterministic algorithms only, if `enabled` and on CUDA.

    An operation without one raises a RuntimeError that `has_no_deterministic_algorithm` recognises. Memory
    that torch does not initialise stays so: filling it would only cost time.
    """
    import torch

    if not enabled or device.type != "cuda":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    before_warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    before_fill = _is_memory_filled()
    torch.use_deterministic_algorithms(True)
    _fill_memory(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=before_warn_only)
        _fill_memory(before_fill)


@contextmanager
def full_float32_products() -> Iterator[None]:
    """While active, products of float32 numbers are not rounded to fewer bits.

    Some images set TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=1, with which torch starts at 'high': 11 bits.
    """
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def has_no_deterministic_algorithm(error: BaseException) -> bool:
    """Whether torch refused an operation because it has no deterministic algorithm for it."""
    return isinstance(error, RuntimeError) and "does not have a deterministic implementation" in str(error)


def _is_memory_filled() -> bool:
    import torch

    return bool(torch.utils.deterministic.fill_uninitialized_memory)  # type: ignore[attr-defined]


def _fill_memory(fill: bool) -> None:
    import torch

    torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
