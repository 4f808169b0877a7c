"""The choice of dtype, and what counts as out of memory."""

import pytest
import torch

from pruning.runtime.device import compute_dtype, is_out_of_memory

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
FLOAT64, FLOAT32, BFLOAT16, FLOAT16 = torch.float64, torch.float32, torch.bfloat16, torch.float16


@pytest.mark.parametrize(
    ("device", "has_bfloat16", "expected"),
    [
        (CPU, False, {FLOAT64: FLOAT64, FLOAT32: FLOAT32, BFLOAT16: FLOAT32, FLOAT16: FLOAT32}),
        (CPU, True, {FLOAT64: FLOAT64, FLOAT32: BFLOAT16, BFLOAT16: BFLOAT16, FLOAT16: FLOAT32}),
        (CUDA, False, {FLOAT64: FLOAT64, FLOAT32: FLOAT16, BFLOAT16: FLOAT16, FLOAT16: FLOAT16}),
        (CUDA, True, {FLOAT64: FLOAT64, FLOAT32: BFLOAT16, BFLOAT16: BFLOAT16, FLOAT16: FLOAT16}),
    ],
)
def test_auto_is_narrow_where_the_device_has_instructions_for_it(
    device: torch.device,
    has_bfloat16: bool,
    expected: dict[torch.dtype, torch.dtype],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pruning.runtime.device.has_native_bfloat16", lambda: has_bfloat16)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bfloat16)
    assert {stored: compute_dtype("auto", stored, device) for stored in expected} == expected
    assert all(compute_dtype("float32", stored, device) == FLOAT32 for stored in expected)


def test_a_failed_host_allocation_counts_as_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
