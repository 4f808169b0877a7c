"""Stores the block inputs and deltas of a streamed pass, within a budget of memory and disk.

They stay on their device, or are offloaded to its pinned host memory or to disk. Where the budget does not
hold all inputs, only every k-th block's is retained, and those between are recomputed.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pruning.runtime.copy_streams import Offload, copy_stream_for
from pruning.runtime.pinned_memory import PinnedArena, Pinning, copy_to_mmap, pinning_for
from pruning.runtime.process_memory import host_memory


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
        space on the directory's disk. Of the host's memory, what the process may use.
        """
        disk = shutil.disk_usage(directory).free // 2
        host = 0 if device.type == "cpu" else host_memory() // 4
        return cls(device_share(device), host, disk)


def device_share(device: torch.device) -> int:
    """Return the bytes that hidden states may take where they are computed; see `Budget.of`."""
    if device.type == "cpu":
        return host_memory() // 8
    return int(torch.cuda.get_device_properties(device).total_memory) // 16


class _Stored(Protocol):
    """A tensor in one of the three places."""

    def fetch(self) -> Tensor:
        """Return it on the device that computes."""

    def prefetch(self) -> None:
        """Begin to copy it to the device, if that can overlap with the computation."""

    def on_host(self) -> Tensor:
        """Return it on the host, without a copy to the device."""

    def drop(self) -> None:
        """Free its memory or file; it is not fetched again."""


@dataclass(frozen=True)
class _OnDevice:
    tensor: Tensor

    def fetch(self) -> Tensor:
        return self.tensor

    def prefetch(self) -> None:
        """Do nothing: it is there."""

    def on_host(self) -> Tensor:
        return self.tensor.cpu()

    def drop(self) -> None:
        """Do nothing: the memory is freed with the tensor."""


@dataclass(frozen=True)
class _Pinned:
    tensor: Tensor
    arena: PinnedArena
    offload: Offload[Any]

    def fetch(self) -> Tensor:
        return self.offload.fetch(self.tensor)

    def prefetch(self) -> None:
        self.offload.prefetch(self.tensor)

    def on_host(self) -> Tensor:
        return self.offload.on_host(self.tensor)

    def drop(self) -> None:
        self.offload.discard(self.tensor)
        self.arena.free(self.tensor)


@dataclass(frozen=True)
class _OnDisk:
    path: Path
    device: torch.device

    def fetch(self) -> Tensor:
        loaded: dict[str, Tensor] = load_file(self.path, device=str(self.device))
        return loaded["hidden"]

    def prefetch(self) -> None:
        """Do nothing: the host would wait for the disk."""

    def on_host(self) -> Tensor:
        loaded: dict[str, Tensor] = load_file(self.path)
        return loaded["hidden"]

    def drop(self) -> None:
        self.path.unlink()


class Deltas(Mapping[str, Tensor]):
    """The gradients between two blocks: one packed tensor per micro-batch, under its number as text."""

    def __init__(self, store: Callable[[Tensor, str], _Stored]) -> None:
        """`store`: stores a tensor under the given name."""
        self._store = store
        self._stored: dict[str, _Stored] = {}
        self._sizes: dict[str, int] = {}

    @property
    def nbytes(self) -> int:
        """The bytes of all deltas."""
        return sum(self._sizes.values())

    def put(self, number: int, delta: Tensor) -> None:
        """Store a micro-batch's delta, from any device, in place of its earlier one."""
        name = str(number)
        if name in self._stored:
            self._stored.pop(name).drop()
        self._stored[name] = self._store(delta, f"delta-{name}")
        self._sizes[name] = delta.nbytes

    def on_host(self) -> dict[str, Tensor]:
        """Return all deltas on the host, valid until one of them is put or they are cleared."""
        return {name: stored.on_host() for name, stored in self._stored.items()}

    def clear(self) -> None:
        """Discard all deltas."""
        self._stored.clear()
        self._sizes.clear()

    def __getitem__(self, name: str) -> Tensor:
        found = self._stored[name].fetch()
        if following := self._stored.get(str(int(name) + 1)):
            following.prefetch()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


class ActivationStore:
    """Each block's input, micro-batch by micro-batch, and the deltas between two blocks.

    A slot holds one block's input for all windows. The backward pass needs the last blocks' inputs first, so
    they get the fastest slots. On CUDA, recomputing is preferred to the disk: for LLaMA-7B and 128 windows of
    2048 tokens an input takes 1.1e14 operations, less time on a GPU than writing and reading its 2.1 GB. On a
    CPU it is the other way round.
    """

    def __init__(
        self,
        blocks: int,
        block_bytes: int,
        budget: Budget,
        device: torch.device,
        directory: Path,
        *,
        others: Sequence[torch.device] = (),
        pinning: Pinning | None = None,
    ) -> None:
        """`block_bytes`: the size of one block's input for all windows. `directory`: empty, for spilling.

        `device`: of tensors from the host. `others`: further devices, whose tensors stay there or are
        offloaded to pinned memory, of which all devices have equal parts. `pinning`: how host memory is
        pinned; by default as the device needs it.
        """
        self._device, self._directory = device, directory
        self._blocks = blocks
        on_device, on_host, on_disk = (
            size // block_bytes for size in (budget.device, budget.host, budget.disk)
        )
        self._device_slots, self._memory_slots = on_device, on_device + on_host
        devices = (device, *others)
        self._pinned = {
            each: (
                PinnedArena(pinning or pinning_for(each), budget.host // len(devices)),
                Offload(each, partial(copy_stream_for, each)),
            )
            for each in devices
        }
        # One slot, the fastest, is for the deltas, which are as large as an input.
        self.interval = _smallest_interval(blocks, self._memory_slots - 1)
        if device.type == "cpu" or _slots_needed(blocks, self.interval) >= self._memory_slots:
            self.interval = _smallest_interval(blocks, self._memory_slots + on_disk - 1)
        self._stored: dict[int, list[_Stored]] = {}
        self.deltas = Deltas(lambda delta, name: self._store(delta, 0, name, is_short_lived=True))

    def retains(self, block: int) -> bool:
        """Whether the block's input stays stored when the forward pass moves on."""
        return block % self.interval == 0

    def append(self, block: int, hidden: Tensor) -> None:
        """Store the next micro-batch of a block's input."""
        pieces = self._stored.setdefault(block, [])
        pieces.append(self._store(hidden, self._rank(block), f"{block}-{len(pieces)}"))

    def __contains__(self, block: int) -> bool:
        return block in self._stored

    def nearest_below(self, block: int) -> int:
        """Return the nearest earlier block whose input is stored."""
        return max(stored for stored in self._stored if stored < block)

    def fetch(self, block: int, number: int) -> Tensor:
        """Return one micro-batch of a block's input, on the device. The next one is prefetched."""
        pieces = self._stored[block]
        found = pieces[number].fetch()
        if number + 1 < len(pieces):
            pieces[number + 1].prefetch()
        return found

    def drop(self, block: int) -> None:
        """Free a block's input."""
        for piece in self._stored.pop(block, []):
            piece.drop()

    def close(self) -> None:
        """Discard everything, and return the pinned memory to the system."""
        with ExitStack() as arenas:
            for arena, _ in self._pinned.values():
                arenas.callback(arena.close)
            try:
                for _, offload in self._pinned.values():
                    offload.close()
            finally:
                self._stored.clear()
                self.deltas.clear()

    def _rank(self, block: int) -> int:
        """Return the slot of a block's input, counted from the fastest; 0 is that of the deltas."""
        if not self.retains(block):  # stored briefly
            return self.interval - block % self.interval
        return self.interval + (self._blocks - 1 - block) // self.interval

    def _store(self, hidden: Tensor, rank: int, name: str, *, is_short_lived: bool = False) -> _Stored:
        """Store a tensor in the place of its rank. `is_short_lived`: it is replaced soon."""
        device = hidden.device if hidden.device in self._pinned else self._device
        if rank < self._device_slots:
            on_heap = device.type == "cpu" and not is_short_lived
            return _OnDevice(copy_to_mmap(hidden) if on_heap else hidden.to(device))
        if rank < self._memory_slots:
            arena, offload = self._pinned[device]
            pinned = arena.allocate(hidden.shape, hidden.dtype)
            if pinned is not None:
                offload.send(hidden, pinned)
                return _Pinned(pinned, arena, offload)
        path = self._directory / f"{name}.safetensors"
        save_file({"hidden": hidden.contiguous()}, path)
        return _OnDisk(path, device)


def _slots_needed(blocks: int, interval: int) -> int:
    """Slots for every `interval`-th input, and for the recomputed ones between two of them."""
    return -(-blocks // interval) + interval - 1


def _smallest_interval(blocks: int, slots: int) -> int:
    """Return the smallest interval that fits into `slots`; if none does, the one that needs the fewest."""
    needed = {interval: _slots_needed(blocks, interval) for interval in range(1, blocks + 1)}
    fitting = (interval for interval, count in needed.items() if count <= slots)
    return next(fitting, min(needed, key=lambda interval: needed[interval]))
