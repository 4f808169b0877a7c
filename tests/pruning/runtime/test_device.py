import pytest
import torch

from pruning.runtime.device import compute_dtype, is_out_of_memory

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
WIDEST, WIDE, BRAIN, HALF = torch.float64, torch.float32, torch.bfloat16, torch.float16


@pytest.mark.parametrize(
    ("device", "has_bfloat16", "expected"),
    [
        (CPU, False, {WIDEST: WIDEST, WIDE: WIDE, BRAIN: WIDE, HALF: WIDE}),
        (CPU, True, {WIDEST: WIDEST, WIDE: BRAIN, BRAIN: BRAIN, HALF: WIDE}),
        (CUDA, False, {WIDEST: WIDEST, WIDE: HALF, BRAIN: HALF, HALF: HALF}),
        (CUDA, True, {WIDEST: WIDEST, WIDE: BRAIN, BRAIN: BRAIN, HALF: HALF}),
    ],
)
def test_the_dtype_is_narrow_where_the_device_has_instructions_for_it(
    device: torch.device,
    has_bfloat16: bool,
    expected: dict[torch.dtype, torch.dtype],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pruning.runtime.device.has_native_bfloat16", lambda: has_bfloat16)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bfloat16)
    assert {stored: compute_dtype("auto", stored, device) for stored in expected} == expected
    assert all(compute_dtype("float32", stored, device) == WIDE for stored in expected)


def test_memory_that_the_host_refuses_is_told_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
