"""Stores the blocks' inputs between a streamed forward and backward pass, within a memory and disk budget.

Inputs go to the device, its pinned host memory or disk. Where the budget does not hold all of them, only
every k-th block's input is retained, and those between are recomputed.
"""

import mmap
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor


@dataclass(frozen=True)
class Budget:
    """The bytes that stored inputs may take."""

    device: int
    host: int  # pinned memory, in addition to the device's; 0 on a CPU
    disk: int

    @classmethod
    def of(cls, device: torch.device, directory: Path) -> "Budget":
        """Return fixed shares of this machine's resources.

        An eighth of a CPU's memory; a sixteenth of a GPU's and a quarter of its host's; half of the free
        space on the directory's disk.
        """
        memory = psutil.virtual_memory().total
        disk = shutil.disk_usage(directory).free // 2
        if device.type == "cpu":
            return cls(memory // 8, 0, disk)
        return cls(torch.cuda.get_device_properties(device).total_memory // 16, memory // 4, disk)


Fetch = Callable[[], Tensor]
"""Returns a stored tensor, on the device that computes."""


class ActivationStore:
    """Each block's input, micro-batch by micro-batch.

    A slot holds one block's input for all windows. The backward pass wants the last blocks' inputs first, so
    they get the fastest slots. On CUDA, recomputing is preferred to the disk: for LLaMA-7B and 128 windows of
    2048 tokens an input takes 1.1e14 operations, less time on a GPU than writing and reading its 2.1 GB. On a
    CPU it is the other way round.
    """

    def __init__(
        self, blocks: int, block_bytes: int, budget: Budget, device: torch.device, directory: Path
    ) -> None:
        """`block_bytes`: the size of one block's input for all windows. `directory`: empty, for spilling."""
        self._device, self._directory = device, directory
        self._blocks = blocks
        on_device, on_host, on_disk = (
            size // block_bytes for size in (budget.device, budget.host, budget.disk)
        )
        self._device_slots, self._memory_slots = on_device, on_device + on_host
        # One slot, the fastest, is for the gradient between two blocks, which has the size of an input.
        self.interval = _smallest_interval(blocks, self._memory_slots - 1)
        if device.type == "cpu" or _slots_needed(blocks, self.interval) >= self._memory_slots:
            self.interval = _smallest_interval(blocks, self._memory_slots + on_disk - 1)
        self._stored: dict[int, list[Fetch]] = {}

    def retains(self, block: int) -> bool:
        """Whether the block's input stays stored when the forward pass moves on."""
        return block % self.interval == 0

    def append(self, block: int, hidden: Tensor) -> None:
        """Store the next micro-batch of a block's input."""
        pieces = self._stored.setdefault(block, [])
        pieces.append(self._store(hidden, self._rank(block), f"{block}-{len(pieces)}.safetensors"))

    def __contains__(self, block: int) -> bool:
        return block in self._stored

    def nearest_below(self, block: int) -> int:
        """Return the nearest earlier block whose input is stored."""
        return max(stored for stored in self._stored if stored < block)

    def fetch(self, block: int, number: int) -> Tensor:
        """Return one micro-batch of a block's input, on the device."""
        return self._stored[block][number]()

    def drop(self, block: int) -> None:
        """Free a block's input."""
        for path in self._directory.glob(f"{block}-*.safetensors"):
            path.unlink()
        self._stored.pop(block, None)

    def _rank(self, block: int) -> int:
        """Return the slot of a block's input, counted from the fastest; 0 is the gradient's."""
        if not self.retains(block):  # stored for a short time only
            return self.interval - block % self.interval
        return self.interval + (self._blocks - 1 - block) // self.interval

    def _store(self, hidden: Tensor, rank: int, name: str) -> Fetch:
        if rank < self._device_slots:
            kept = hidden if self._device.type == "cuda" else _copy_to_own_pages(hidden)
            return lambda: kept
        if rank < self._memory_slots:
            pinned = torch.empty_like(hidden, device="cpu", pin_memory=True)
            pinned.copy_(hidden, non_blocking=True)
            return lambda: pinned.to(self._device, non_blocking=True)
        path = self._directory / name
        save_file({"hidden": hidden.contiguous()}, path)
        return lambda: load_file(path, device=str(self._device))["hidden"]


def _copy_to_own_pages(hidden: Tensor) -> Tensor:
    """Copy into pages outside the heap, which go back to the system with the tensor.

    In the heap, among short-lived tensors, it would leave holes that nothing larger fits into.
    """
    pages = mmap.mmap(-1, hidden.nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=hidden.dtype).view(hidden.shape).copy_(hidden)


def _slots_needed(blocks: int, interval: int) -> int:
    """Slots for every `interval`-th input, and for the recomputed ones between two of them."""
    return -(-blocks // interval) + interval - 1


def _smallest_interval(blocks: int, slots: int) -> int:
    """Return the smallest interval that fits into `slots`; if none does, the one that needs the fewest."""
    needed = {interval: _slots_needed(blocks, interval) for interval in range(1, blocks + 1)}
    fitting = (interval for interval, count in needed.items() if count <= slots)
    return next(fitting, min(needed, key=lambda interval: needed[interval]))
