"""What the methods that look at second moments have in common."""

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
    """H + damping·mean(diag H)·I, a copy; `moments` (inputs, inputs)."""
    result = moments.clone()
    result.diagonal().add_(damping * moments.diagonal().mean())
    return result


def with_rising_damping(
    attempt: Callable[[float], ResultT], damping: float
) -> tuple[ResultT, tuple[str, ...]]:
    """What `attempt` makes of `damping`, or of ten, a hundred or a thousand times as much where it fails.

    `attempt` fails by raising LinAlgError. Also returns what to say about it: nothing, when the
    first attempt was good. Raises NumericalFailure when none is.
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
