"""Linear algebra shared by the methods that use second moments."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from pruning.errors import NumericalFailure

ResultT = TypeVar("ResultT")

LinAlgError: type[RuntimeError] = torch.linalg.LinAlgError  # type: ignore[attr-defined] # it is exported

_ATTEMPTS = 4
_RISE = 10.0


def damped(moments: Tensor, damping: float) -> Tensor:
    """Return a copy of H = `moments` (inputs, inputs) plus damping·mean(diag H)·I."""
    result = moments.clone()
    result.diagonal().add_(damping * moments.diagonal().mean())
    return result


def with_rising_damping(
    attempt: Callable[[float], ResultT], damping: float
) -> tuple[ResultT, tuple[str, ...]]:
    """Call `attempt` with `damping`, and with 10, 100 and 1000 times as much while it raises LinAlgError.

    Return its result, and a warning if the first attempt failed. Raises NumericalFailure if all fail.
    """
    for exponent in range(_ATTEMPTS):
        used = damping * _RISE**exponent
        try:
            result = attempt(used)
        except LinAlgError:
            continue
        return result, () if exponent == 0 else (f"solved with damping {used:g} in place of {damping:g}",)
    raise NumericalFailure(
        f"the second moments of its inputs cannot be factored with damping up to {used:g}; use more "
        "calibration windows, a larger damping, or dtype float32"
    )
