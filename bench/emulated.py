"""A narrow dtype on a machine without instructions for it: the same numbers at a bearable speed, no times.

Such a machine multiplies bfloat16 matrices a hundred times slower than float32 ones. Products and attention
are formed here in float32 from the narrow numbers and rounded once, which is what the instructions do.
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
    """While active, every product of bfloat16 tensors is one of float32 tensors, rounded to bfloat16."""

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - an operator
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - what the operator returns
        """As the base class says."""
        kwargs = dict(kwargs or {})
        if func not in _PRODUCTS or args[0].dtype != torch.bfloat16:
            return func(*args, **kwargs)
        result = func(*tree_map_only(Tensor, _widened, args), **tree_map_only(Tensor, _widened, kwargs))
        if func is _ATTENTION:  # the second is float32 in any case
            return result[0].bfloat16(), result[1]
        return tree_map_only(Tensor, Tensor.bfloat16, result)


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor
