"""Linear algebra shared by the methods that use second moments."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def damped(moments: Tensor, damping: float, ridge: float = 0.0) -> Iterator[Tensor]:
    """While active, add damping·mean(diag H)·I and ridge·diag(H) to H = `moments` (inputs, inputs), in place.

    A copy would be as large as H, of which a wide layer has few. The diagonal is restored bit for bit.
    """
    diagonal = moments.diagonal()
    with _more_on_diagonal(moments, damping * diagonal.mean() + ridge * diagonal):
        yield moments


@contextmanager
def shrunken(moments: Tensor, shrinkage: float) -> Iterator[Tensor]:
    """While active, add shrinkage·diag(H) to H = `moments` (inputs, inputs), in place like `damped`.

    The diagonal counts as at least a millionth of its mean.
    """
    diagonal = moments.diagonal()
    added = shrinkage * torch.maximum(diagonal, _MIN_DIAGONAL_SHARE * diagonal.mean())
    with _more_on_diagonal(moments, added):
        yield moments


@contextmanager
def _more_on_diagonal(matrix: Tensor, added: Tensor) -> Iterator[None]:
    before = matrix.diagonal().clone()
    matrix.diagonal().add_(added)
    try:
        yield
    finally:
        matrix.diagonal().copy_(before)


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
