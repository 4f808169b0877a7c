"""The faster library for float32 products is one that does not round them."""

import pytest
import torch

from pruning import products
from pruning.products import fast_float32_products, float32_products

CPU = torch.device("cpu")


@pytest.fixture(params=["AMD EPYC", "Intel(R) Xeon(R)"])
def processor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    capabilities: dict[str, object] = {"cpu_name": request.param, "avx512_bw": True, "amx_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    return capabilities


@pytest.mark.parametrize("shape", [(1024, 576, 1536), (16, 1536, 576), (200, 64, 200)])
def test_products_are_float32_whatever_this_machine_is(
    shape: tuple[int, int, int], processor: dict[str, object]
) -> None:
    one, other = torch.randn(shape[:2]), torch.randn(shape[1:])
    exact = one.double() @ other.double()
    with fast_float32_products(CPU):
        product = one @ other
    assert (product - exact).norm() < 1e-6 * exact.norm()


def test_the_setting_is_what_it_was_behind_an_error() -> None:
    before = float32_products()
    with pytest.raises(ValueError, match="stop"), fast_float32_products(CPU):
        raise ValueError("stop")
    assert float32_products() == before


@pytest.mark.parametrize(
    ("changes", "exact", "expected"),
    [
        ({}, True, "oneDNN"),
        ({}, False, "torch's choice"),
        ({"amx_bf16": True}, True, "torch's choice"),
        ({"avx512_bw": False}, True, "torch's choice"),
    ],
)
def test_it_is_taken_on_processors_where_it_is_faster_and_exact(
    changes: dict[str, object],
    exact: bool,
    expected: str,
    processor: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(products, "_onednn_is_exact", lambda: exact)
    processor |= changes
    with fast_float32_products(CPU):
        assert float32_products() == (
            expected if str(processor["cpu_name"]).startswith("AMD") else "torch's choice"
        )
    with fast_float32_products(torch.device("cuda")):
        assert float32_products() == "torch's choice"
