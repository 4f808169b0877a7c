"""Calls of modules: with a replaced forward method, and with arguments on other devices."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def replaced_forward(module: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """While active, calls of `module` run `forward`; its hooks still run. Do not nest it on one module.

    `forward` is set on the instance, and deleting it uncovers the class's own. The module itself stays in
    place, because some models read its attributes between blocks.
    """
    module.forward = forward
    try:
        yield
    finally:
        del module.forward


def has_replaced_forward(module: nn.Module) -> bool:
    """Whether calls of `module` run a forward method other than its class's own."""
    return "forward" in vars(module)


def move_tensors(value: Any, device: torch.device) -> Any:  # noqa: ANN401 - any argument of any block
    """Return `value` with every tensor in it on `device`.

    Dictionaries and lists are changed in place: blocks may write further results to them.
    """
    if isinstance(value, dict):
        value.update({name: move_tensors(each, device) for name, each in value.items()})
        return value
    if isinstance(value, list):
        value[:] = [move_tensors(each, device) for each in value]
        return value
    return _map_tensors(value, lambda tensor: tensor.to(device))


class ArgumentCopies:
    """Copies of arguments on other devices; each tensor is copied to each device at most once.

    The originals must live as long as this object: they are identified by their ids.
    """

    def __init__(self) -> None:
        self._copies: dict[tuple[int, torch.device], Tensor] = {}

    def on(self, device: torch.device, value: Any) -> Any:  # noqa: ANN401 - any argument of any block
        """Return `value` with every tensor in it on `device`; containers of tensors are copied too."""
        return _map_tensors(value, lambda tensor: self._copy(tensor, device))

    def _copy(self, tensor: Tensor, device: torch.device) -> Tensor:
        key = id(tensor), device
        if key not in self._copies:
            self._copies[key] = tensor.to(device)
        return self._copies[key]


def _map_tensors(value: Any, move: Callable[[Tensor], Tensor]) -> Any:  # noqa: ANN401 - any argument of any block
    """Pass every tensor in `value` to `move`, also within tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        return move(value)
    if isinstance(value, dict):
        return {name: _map_tensors(each, move) for name, each in value.items()}
    if isinstance(value, list):
        return [_map_tensors(each, move) for each in value]
    if isinstance(value, tuple):
        items = [_map_tensors(each, move) for each in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value
