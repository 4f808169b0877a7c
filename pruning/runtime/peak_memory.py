"""Measures peak memory: of the CUDA devices that compute, else of this process."""

import resource
import sys
from pathlib import Path

import torch

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class PeakMemory:
    """The peak memory since `reset`: allocated on the CUDA device, or resident in this process.

    Of several devices it is that of the one with the highest peak: each must have room for its own.

    Where the kernel cannot reset a process's peak, `resettable` turns False and the peak is that since its
    start.
    """

    def __init__(self, *devices: torch.device) -> None:
        self._devices = devices
        self.resettable = True

    def reset(self) -> None:
        """Start a new measurement."""
        if self._is_on_cuda:
            # Before the first use of CUDA its allocator has no statistics, and refuses to reset them.
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                for device in self._devices:
                    torch.cuda.reset_peak_memory_stats(device)
            return
        try:
            _CLEAR_REFS.write_text("5")  # proc(5): resets the peak resident set size to the current one
        except OSError:
            self.resettable = False

    def peak(self) -> int:
        """Return the peak in bytes."""
        if self._is_on_cuda:
            return max(map(torch.cuda.max_memory_allocated, self._devices))
        if self.resettable:
            for line in _STATUS.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    @property
    def _is_on_cuda(self) -> bool:
        return self._devices[0].type == "cuda"
