"""Linear algebra shared by the methods that use second moments."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from pruning.errors import NumericalFailure

ResultT = TypeVar("ResultT")

LinAlgError: type[RuntimeError] = torch.linalg.LinAlgError  # type: ignore[attr-defined] # it is exported

DAMPING = 0.01
"""What solutions add to the diagonal of H, as a share of its mean. A ridge decides more."""

_ATTEMPTS = 4
_RISE = 10.0
_FLOOR = 1e-6


def damped(moments: Tensor, damping: float, ridge: float = 0.0) -> Tensor:
    """Return a copy of H = `moments` (inputs, inputs) plus damping·mean(diag H)·I and ridge·diag(H)."""
    result, diagonal = moments.clone(), moments.diagonal()
    result.diagonal().add_(damping * diagonal.mean() + ridge * diagonal)
    return result


def shrunken(moments: Tensor, shrinkage: float) -> Tensor:
    """Return a copy of H = `moments` (inputs, inputs) plus shrinkage·diag(H), whatever the inputs' scales.

    Inputs that are always zero, or nearly, count as ones of a millionth of the mean.
    """
    result, diagonal = moments.clone(), moments.diagonal()
    result.diagonal().add_(shrinkage * torch.maximum(diagonal, _FLOOR * diagonal.mean()))
    return result


def with_rising_damping(
    attempt: Callable[[float], ResultT], damping: float = DAMPING, name: str = "damping"
) -> tuple[ResultT, tuple[str, ...]]:
    """Call `attempt` with `damping`, and with 10, 100 and 1000 times as much while it raises LinAlgError.

    Return its result, and a warning if the first attempt failed. Raises NumericalFailure if all fail. Both
    call what rises by its `name`.
    """
    for exponent in range(_ATTEMPTS):
        used = damping * _RISE**exponent
        try:
            result = attempt(used)
        except LinAlgError:
            continue
        return result, () if exponent == 0 else (f"solved with {name} {used:g} in place of {damping:g}",)
    raise NumericalFailure(
        f"the second moments of its inputs cannot be factored with {name} up to {used:g}; use more "
        "calibration windows, or dtype float32"
    )
