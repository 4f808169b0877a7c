"""The faster library for float32 products is one that does not round them."""

import pytest
import torch

from pruning import products
from pruning.products import backward_products, fast_backward_products

CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(1024, 576, 1536), (16, 1536, 576), (200, 64, 200)])
def test_products_are_float32_whatever_this_machine_is(
    shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_is_faster_by_onednn", lambda: True)
    one, other = torch.randn(shape[:2]), torch.randn(shape[1:])
    exact = one.double() @ other.double()
    with fast_backward_products(CPU):
        product = one @ other
    assert (product - exact).norm() < 1e-6 * exact.norm()


def test_the_setting_is_what_it_was_behind_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_is_fast_and_exact", lambda device: True)
    before = torch.backends.mkldnn.matmul.fp32_precision
    with fast_backward_products(CPU):
        assert torch.backends.mkldnn.matmul.fp32_precision != before
    with pytest.raises(ValueError, match="stop"), fast_backward_products(CPU):
        raise ValueError("stop")
    assert torch.backends.mkldnn.matmul.fp32_precision == before


@pytest.mark.parametrize(
    ("changes", "exact", "expected"),
    [
        ({}, True, "oneDNN"),
        ({}, False, "torch's choice"),
        ({"amx_bf16": True}, True, "torch's choice"),
        ({"avx512_bw": False}, True, "torch's choice"),
        ({"cpu_name": "Intel(R) Xeon(R)"}, True, "torch's choice"),
    ],
)
def test_it_is_taken_on_processors_where_it_is_faster_and_exact(
    changes: dict[str, object], exact: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_onednn_is_exact", lambda: exact)
    processor = {"cpu_name": "AMD EPYC", "avx512_bw": True, "amx_bf16": False, **changes}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    assert backward_products(CPU) == expected
    assert backward_products(torch.device("cuda")) == "torch's choice"
