"""Counts the bytes of the tensors that are alive: what operations have made and something still holds."""

import gc
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveMemory(TorchDispatchMode):
    """The bytes of the storages that operations have made since it began, and the most there were.

    What an operation needs while it runs, workspaces and an allocator's rounding are not seen.
    """

    def __init__(self, *, finds_peak: bool = True) -> None:
        """`finds_peak`: it is looked for after each operation, which takes most of the time."""
        super().__init__()
        self._finds_peak = finds_peak
        self._made: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {_address(each) for each in _tensors((args, kwargs or {}))}
        result = func(*args, **(kwargs or {}))
        # A view has its operand's storage; what was allocated before may be given, and is not counted.
        made = [each for each in _tensors(result) if _address(each) not in given]
        for each in made:
            storage = each.untyped_storage()
            self._made[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        if made and self._finds_peak:
            self.peak = max(self.peak, self._alive())
        return result

    @property
    def held(self) -> int:
        """The bytes that are alive, without what only cycles hold."""
        gc.collect()
        return self._alive()

    def _alive(self) -> int:
        self._made = {key: made for key, made in self._made.items() if not made[0].expired()}
        return sum(size for _, size in self._made.values())


def _tensors(values: object) -> list[torch.Tensor]:
    return [each for each in tree_leaves(values) if isinstance(each, torch.Tensor) and not each.is_meta]


def _address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata
