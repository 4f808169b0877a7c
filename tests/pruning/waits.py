"""Counts the waits of a host for its device, without one."""

from collections import Counter
from typing import Any

from torch.overrides import TorchFunctionMode

WAITING = {
    "item",
    "tolist",
    "nonzero",
    "bincount",
    "unique",
    "__bool__",
    "__int__",
    "__float__",
    "cpu",
    "where",
}


class WaitsForTheDevice(TorchFunctionMode):
    """Counts the calls that make a host wait for its GPU, because their results depend on values."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.__name__
        by_mask = name == "__getitem__" and "torch.bool" in str(getattr(args[1], "dtype", ""))
        if (name in WAITING and not (name == "where" and len(args) == 3)) or by_mask:
            self.calls[name] += 1
        return func(*args, **(kwargs or {}))
