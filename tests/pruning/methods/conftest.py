"""Fixtures for the maths of methods."""

import pytest
import torch
from torch import Tensor


@pytest.fixture
def weight(request: pytest.FixtureRequest) -> Tensor:
    """Of as many ROWS and INPUTS as the test's module names."""
    shape = request.module.ROWS, request.module.INPUTS
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
