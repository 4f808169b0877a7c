"""Products of float32 numbers and bfloat16 matrices on a CPU as a GPU forms them."""

import pytest
import torch
from torch import Tensor

from pruning.models import upcast


def multiply_by_parts(monkeypatch: pytest.MonkeyPatch, sums: torch.dtype = torch.float32) -> None:
    """Form these products by parts, with sums in a dtype."""
    monkeypatch.setattr(upcast, "multiplies_by_parts", lambda matrix: matrix.dtype == torch.bfloat16)

    def in_float32(one: Tensor, other: Tensor) -> Tensor:
        return (one.to(sums) @ other.to(sums)).float()

    monkeypatch.setattr(upcast, "_sums_in_float32", in_float32)
