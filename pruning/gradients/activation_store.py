"""The inputs of a model's blocks, kept between a forward and a backward pass within a stated budget."""

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
    """What block inputs may take, in bytes."""

    device: int
    host: int  # beside the device's; pinned
    disk: int

    @classmethod
    def of(cls, device: torch.device, directory: Path) -> "Budget":
        """A share of what this machine has: an eighth of a CPU's memory; a sixteenth of a GPU's and a quarter
        of its host's; half of what the directory's disk has free.
        """
        memory = psutil.virtual_memory().total
        disk = shutil.disk_usage(directory).free // 2
        if device.type == "cpu":
            return cls(memory // 8, 0, disk)
        return cls(torch.cuda.get_device_properties(device).total_memory // 16, memory // 4, disk)


Fetch = Callable[[], Tensor]
"""Gives a tensor that was put away: on the device, where it computes."""


class BlockInputs:
    """What each block is given, micro-batch by micro-batch: on the device, on its host, or on disk.

    The last blocks' inputs, which are wanted first, have the best places. Where the budget does not reach for
    all blocks, every k-th block's are kept, and the others have to be computed again. On CUDA memory is tried
    first without the disk: for LLaMA-7B and 128 windows of 2048 tokens an input takes 1.1e14 operations, less
    time on a GPU than its 2.1 GB take to be written and read. On a CPU it is the other way round.
    """

    def __init__(
        self, blocks: int, block_bytes: int, budget: Budget, device: torch.device, directory: Path
    ) -> None:
        """`block_bytes`: what one block's input takes for all windows. `directory`: an empty one."""
        self._device, self._directory = device, directory
        self._blocks = blocks
        on_device, on_host, on_disk = (
            size // block_bytes for size in (budget.device, budget.host, budget.disk)
        )
        self._best, self._good = on_device, on_device + on_host
        # The gradient at the blocks' boundary has the size of an input too, and the best place.
        self.every = _fewest_apart(blocks, self._good - 1)
        if device.type == "cpu" or _places_needed(blocks, self.every) >= self._good:
            self.every = _fewest_apart(blocks, self._good + on_disk - 1)
        self._kept: dict[int, list[Fetch]] = {}

    def keeps(self, block: int) -> bool:
        """Whether the block's input is kept when a pass goes on to later blocks."""
        return block % self.every == 0

    def append(self, block: int, hidden: Tensor) -> None:
        """Put away the next micro-batch of a block's input."""
        pieces = self._kept.setdefault(block, [])
        pieces.append(self._put_away(hidden, self._rank(block), f"{block}-{len(pieces)}.safetensors"))

    def __contains__(self, block: int) -> bool:
        """Whether the block's input is here."""
        return block in self._kept

    def kept_before(self, block: int) -> int:
        """The nearest earlier block whose input is here."""
        return max(kept for kept in self._kept if kept < block)

    def fetch(self, block: int, piece: int) -> Tensor:
        """A micro-batch of a block's input, on the device."""
        return self._kept[block][piece]()

    def drop(self, block: int) -> None:
        """Free its place."""
        for path in self._directory.glob(f"{block}-*.safetensors"):
            path.unlink()
        self._kept.pop(block, None)

    def _rank(self, block: int) -> int:
        """Which of the places a block's input has, counted from the best, which is the gradient's: 0."""
        if not self.keeps(block):  # it is here for a short time
            return self.every - block % self.every
        return self.every + (self._blocks - 1 - block) // self.every

    def _put_away(self, hidden: Tensor, rank: int, name: str) -> Fetch:
        if rank < self._best:
            kept = hidden if self._device.type == "cuda" else _in_pages_of_its_own(hidden)
            return lambda: kept
        if rank < self._good:
            pinned = torch.empty_like(hidden, device="cpu", pin_memory=True)
            pinned.copy_(hidden, non_blocking=True)
            return lambda: pinned.to(self._device, non_blocking=True)
        path = self._directory / name
        save_file({"hidden": hidden.contiguous()}, path)
        return lambda: load_file(path, device=str(self._device))["hidden"]


def _in_pages_of_its_own(hidden: Tensor) -> Tensor:
    """A copy whose memory goes back to the system with it. In the heap, between tensors that live for one
    product, it would leave holes that nothing larger fits into.
    """
    pages = mmap.mmap(-1, hidden.nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=hidden.dtype).view(hidden.shape).copy_(hidden)


def _places_needed(blocks: int, apart: int) -> int:
    """For the input of every so many blocks, and for a while those between two of them."""
    return -(-blocks // apart) + apart - 1


def _fewest_apart(blocks: int, places: int) -> int:
    """The smallest distance for which there are places; if none, the one that needs the fewest."""
    needed = {apart: _places_needed(blocks, apart) for apart in range(1, blocks + 1)}
    enough = (apart for apart, inputs in needed.items() if inputs <= places)
    return next(enough, min(needed, key=lambda apart: needed[apart]))
