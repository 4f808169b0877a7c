"""Replaces the forward method of single modules for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


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
