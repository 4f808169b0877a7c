"""Another order along one dimension of some parameters of a block."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from pruning.calibration.window_norms import GradientNorms
from pruning.models.blocks import Block
from pruning.models.layers import LinearLayer


@dataclass(frozen=True)
class AxisOrder:
    """How a parameter is reordered: what stood at `index[i]` along `dimension` stands at i."""

    dimension: int
    index: Tensor  # int64 (size of the dimension,)

    def applied(self, tensor: Tensor) -> Tensor:
        """Return a tensor of the parameter's shape in the new order."""
        return tensor.index_select(self.dimension, self.index.to(tensor.device))

    @property
    def undone(self) -> "AxisOrder":
        """The order that leads back."""
        return AxisOrder(self.dimension, self.index.argsort())


Orders = Mapping[str, AxisOrder]
"""By the name of the parameter in the model."""


def put_in_order(block: Block, orders: Orders) -> None:
    """Reorder the parameters of a block, in place."""
    for name, order in orders.items():
        parameter = block.module.get_parameter(name.removeprefix(f"{block.name}.")).detach()
        parameter.copy_(order.applied(parameter))


def norms_in_order(norms: GradientNorms, layers: Sequence[LinearLayer], orders: Orders) -> GradientNorms:
    """Return the gradient norms of `layers` for their reordered weights, each when it is asked for."""
    moved = {layer.name: layer for layer in layers if layer.parameter_name in orders}
    return {norm: _InOrder(by_layer, moved, orders) for norm, by_layer in norms.items()} if moved else norms


class _InOrder(Mapping[str, Tensor]):
    def __init__(
        self, by_layer: Mapping[str, Tensor], moved: Mapping[str, LinearLayer], orders: Orders
    ) -> None:
        self._by_layer, self._moved, self._orders = by_layer, moved, orders

    def __getitem__(self, name: str) -> Tensor:
        dense = self._by_layer[name]
        if name not in self._moved:
            return dense
        # A norm is (outputs, inputs); the order is one of the parameter, which may hold the transpose.
        layer = self._moved[name]
        order = self._orders[layer.parameter_name]
        return layer.as_matrix(order.applied(layer.as_matrix(dense)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_layer)

    def __len__(self) -> int:
        return len(self._by_layer)
