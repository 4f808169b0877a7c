"""Pinning without a device, which records what is pinned."""

import mmap


class RecordedPinning:
    """Keeps the sizes of what is pinned, by address."""

    def __init__(self, most: int = 1 << 40) -> None:
        self.pinned: dict[int, int] = {}
        self.calls = 0
        self._most = most  # bytes; the system refuses more

    def pin(self, address: int, size: int) -> bool:
        assert address % mmap.PAGESIZE == 0
        self.calls += 1
        if address in self.pinned or sum(self.pinned.values()) + size > self._most:
            return False
        self.pinned[address] = size
        return True

    def unpin(self, address: int) -> None:
        del self.pinned[address]
