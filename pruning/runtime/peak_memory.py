"""Measures peak memory: of the CUDA device that computes, else of this process."""

import resource
import sys
from pathlib import Path

import torch

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class PeakMemory:
    """The peak memory since `reset`: allocated on the CUDA device, or resident in this process.

    Where the kernel cannot reset a process's peak, `resettable` turns False and the peak is that since its
    start.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.resettable = True

    def reset(self) -> None:
        """Start a new measurement."""
        if self._device.type == "cuda":
            # Before the first use of CUDA its allocator has no statistics, and refuses to reset them.
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                torch.cuda.reset_peak_memory_stats(self._device)
            return
        try:
            _CLEAR_REFS.write_text("5")  # proc(5): resets the peak resident set size to the current one
        except OSError:
            self.resettable = False

    def peak(self) -> int:
        """Return the peak in bytes."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        if self.resettable:
            for line in _STATUS.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
