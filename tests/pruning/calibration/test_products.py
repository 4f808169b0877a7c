"""Second moments and activation errors on a CPU and on CUDA, against sums of single products in float64."""

import pytest
import torch
from torch import Tensor

from pruning.calibration.activation_statistics import ActivationError, SecondMoments, product_over_tokens
from tests.pruning.pretended_cuda import CUDA, pretended_cuda

WINDOWS = [40, 0, 3, 1]  # tokens in each; an expert may receive none
DTYPES = [torch.bfloat16, torch.float16, torch.float32]


def numbers(features: int, dtype: torch.dtype) -> list[Tensor]:
    random = torch.Generator().manual_seed(features)
    # In 16 bits, sums over tokens would lose most of the small numbers next to large ones.
    return [(8 * torch.randn(tokens, features, generator=random) ** 3).to(dtype) for tokens in WINDOWS]


def naive(one: list[Tensor], other: list[Tensor]) -> Tensor:
    """Return the mean over windows of oneᵀ·other."""
    total = torch.zeros(one[0].shape[1], other[0].shape[1], dtype=torch.float64)
    for left, right in zip(one, other, strict=True):
        for token in range(len(left)):
            total += left[token].double()[:, None] * right[token].double()
    return total / len(one)


def assert_are_sums_in_float32(dtype: torch.dtype, device: torch.device) -> None:
    inputs, errors = numbers(5, dtype), numbers(7, dtype)
    moments, error = SecondMoments(), ActivationError()
    moments.add([window.to(device) for window in inputs])
    error.add([window.to(device) for window in inputs], [window.to(device) for window in errors])
    for found, expected in (
        (moments.value.cpu(), naive(inputs, inputs)),
        (error.value.cpu(), naive(errors, inputs)),
    ):
        assert found.dtype == torch.float32
        assert (found - expected).norm() < 1e-6 * expected.norm()


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_on_a_cpu_are_in_float32(dtype: torch.dtype) -> None:
    assert_are_sums_in_float32(dtype, torch.device("cpu"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_on_cuda_are_in_float32(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    with pretended_cuda(monkeypatch):
        assert_are_sums_in_float32(dtype, CUDA)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_are_in_float32_on_a_gpu(dtype: torch.dtype) -> None:
    assert_are_sums_in_float32(dtype, torch.device("cuda"))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_16_bit_numbers_are_not_widened_on_cuda(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    (window, *_) = numbers(5, dtype)
    used: list[tuple[torch.dtype, torch.dtype, torch.dtype]] = []
    multiply = torch.mm

    def recorded(one: Tensor, other: Tensor, *, out_dtype: torch.dtype) -> Tensor:
        used.append((one.dtype, other.dtype, out_dtype))
        return multiply(one, other, out_dtype=out_dtype)

    monkeypatch.setattr(torch, "mm", recorded)
    with pretended_cuda(monkeypatch):
        product_over_tokens(window.to(CUDA), window.to(CUDA))
    assert used == [(dtype, dtype, torch.float32)]


def test_float64_stays_float64() -> None:
    windows = numbers(5, torch.float64)
    found = SecondMoments()
    found.add(windows)
    assert torch.equal(found.value, sum(window.T @ window for window in windows) / len(windows))
