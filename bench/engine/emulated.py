"""Emulates bfloat16 on a machine without instructions for it, at a bearable speed. Never timed.

Such a machine multiplies bfloat16 matrices a hundred times slower than float32 ones. Here products and
attention are computed in float32 from the narrow numbers and rounded once, as the instructions do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

_ATEN = torch.ops.aten
_ATTENTION = _ATEN._scaled_dot_product_flash_attention_for_cpu.default
_PRODUCTS = {
    _ATEN.mm.default,
    _ATEN.addmm.default,
    _ATEN.bmm.default,
    _ATEN.baddbmm.default,
    _ATTENTION,
    _ATEN._scaled_dot_product_flash_attention_for_cpu_backward.default,
}


class ProductsInFloat32(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While active, products of bfloat16 tensors are computed in float32 and rounded to bfloat16."""

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - an operator
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - what the operator returns
        kwargs = dict(kwargs or {})
        if func not in _PRODUCTS or args[0].dtype != torch.bfloat16:
            return func(*args, **kwargs)
        result = func(*tree_map_only(Tensor, _upcast, args), **tree_map_only(Tensor, _upcast, kwargs))
        if func is _ATTENTION:  # its second result is float32 for every dtype
            return result[0].bfloat16(), result[1]
        return tree_map_only(Tensor, Tensor.bfloat16, result)


def _upcast(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor
