"""Linear algebra shared by the methods that use second moments."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from pruning.errors import NumericalFailure

ResultT = TypeVar("ResultT")

LinAlgError: type[RuntimeError] = torch.linalg.LinAlgError  # type: ignore[attr-defined] # it is exported

DAMPING = 0.01
"""Damping added to the diagonal of H, as a share of its mean."""

_ATTEMPTS = 4
_DAMPING_FACTOR = 10.0
_MIN_DIAGONAL_SHARE = 1e-6


def damped(moments: Tensor, damping: float, ridge: float = 0.0) -> Tensor:
    """Return a copy of H = `moments` (inputs, inputs) plus damping·mean(diag H)·I and ridge·diag(H)."""
    result, diagonal = moments.clone(), moments.diagonal()
    result.diagonal().add_(damping * diagonal.mean() + ridge * diagonal)
    return result


def shrunken(moments: Tensor, shrinkage: float) -> Tensor:
    """Return a copy of H = `moments` (inputs, inputs) plus shrinkage·diag(H), whatever the inputs' scales.

    The diagonal counts as at least a millionth of its mean.
    """
    result, diagonal = moments.clone(), moments.diagonal()
    result.diagonal().add_(shrinkage * torch.maximum(diagonal, _MIN_DIAGONAL_SHARE * diagonal.mean()))
    return result


def with_rising_damping(
    attempt: Callable[[float], ResultT], damping: float = DAMPING, name: str = "damping"
) -> tuple[ResultT, tuple[str, ...]]:
    """Call `attempt` with `damping`, and with 10, 100 and 1000 times as much while it raises LinAlgError.

    Return its result, and a warning if the first attempt failed. Raises NumericalFailure if all fail. Both
    messages call the value `name`.
    """
    for exponent in range(_ATTEMPTS):
        used = damping * _DAMPING_FACTOR**exponent
        try:
            result = attempt(used)
        except LinAlgError:
            continue
        return result, () if exponent == 0 else (f"solved with {name} {used:g} in place of {damping:g}",)
    raise NumericalFailure(
        f"the second moments of its inputs cannot be factored with {name} up to {used:g}; use more "
        "calibration windows, or dtype float32"
    )
