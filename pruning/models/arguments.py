"""Brings the arguments of a block's call, and what it returns, to the device where they are needed."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def moved(value: Any, device: torch.device) -> Any:  # noqa: ANN401 - any argument of any block
    """Return `value` with every tensor in it on `device`.

    Dictionaries and lists stay the same objects and are changed: by writing to them, blocks may pass on more
    than they return.
    """
    if isinstance(value, dict):
        value.update({name: moved(each, device) for name, each in value.items()})
        return value
    if isinstance(value, list):
        value[:] = [moved(each, device) for each in value]
        return value
    return _mapped(value, lambda tensor: tensor.to(device))


class ArgumentCopies:
    """Copies of arguments on other devices; each tensor is copied to each device at most once.

    The originals must live as long as this does: they are distinguished by identity.
    """

    def __init__(self) -> None:
        self._copies: dict[tuple[int, torch.device], Tensor] = {}

    def on(self, device: torch.device, value: Any) -> Any:  # noqa: ANN401 - any argument of any block
        """Return `value` with every tensor in it on `device`; what holds tensors is copied, too."""
        return _mapped(value, lambda tensor: self._copy(tensor, device))

    def _copy(self, tensor: Tensor, device: torch.device) -> Tensor:
        key = id(tensor), device
        if key not in self._copies:
            self._copies[key] = tensor.to(device)
        return self._copies[key]


def _mapped(value: Any, move: Callable[[Tensor], Tensor]) -> Any:  # noqa: ANN401 - any argument of any block
    """Pass every tensor in `value` to `move`, also within tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        return move(value)
    if isinstance(value, dict):
        return {name: _mapped(each, move) for name, each in value.items()}
    if isinstance(value, list):
        return [_mapped(each, move) for each in value]
    if isinstance(value, tuple):
        items = [_mapped(each, move) for each in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value
