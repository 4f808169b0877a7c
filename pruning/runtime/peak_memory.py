"""Peak memory of the device or the process that computes."""

import resource
import sys
from pathlib import Path

import torch

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class PeakMemory:
    """The most memory held since `reset`: of the CUDA device that computes, else of this process."""

    def __init__(self, device: torch.device) -> None:
        """For the memory that `device` computes in."""
        self._device = device
        self.resettable = True  # False: the kernel cannot forget a peak, so it is the whole process's so far

    def reset(self) -> None:
        """Forget what was held before."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return
        try:
            _CLEAR_REFS.write_text("5")  # proc(5): resets the peak resident set size to the current one
        except OSError:
            self.resettable = False

    def peak(self) -> int:
        """In bytes."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        if self.resettable:
            for line in _STATUS.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
