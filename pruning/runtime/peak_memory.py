"""Measures peak memory: of the CUDA devices that compute, else of this process.

This module imports torch only where it is needed.
"""

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")

_kept: dict[int, int] = {}
"""Open descriptors of the former, by process: a fork that wrote into its parent's would reset the parent."""


def keep_resettable() -> None:
    """Let this process reset its peak also once it is closed to others and may not open the file any more."""
    with suppress(OSError):
        _kept[os.getpid()] = os.open(_CLEAR_REFS, os.O_WRONLY | os.O_CLOEXEC)


class PeakMemory:
    """The peak memory since `reset`: allocated on the CUDA device, or resident in this process.

    Of several devices it is that of the one with the highest peak: each must have room for its own.

    Where the kernel cannot reset a process's peak, `resettable` turns False and the peak is that since its
    start.
    """

    def __init__(self, *devices: "torch.device") -> None:
        self._devices = devices
        self.resettable = True

    def reset(self) -> None:
        """Start a new measurement."""
        if self._is_on_cuda:
            import torch

            # Before the first use of CUDA its allocator has no statistics, and refuses to reset them.
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                for device in self._devices:
                    torch.cuda.reset_peak_memory_stats(device)
            return
        try:
            _reset_resident()
        except OSError:
            self.resettable = False

    def peak(self) -> int:
        """Return the peak in bytes."""
        if self._is_on_cuda:
            import torch

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


def _reset_resident() -> None:
    """Reset the peak resident set size to the current one, see proc(5). Raises OSError."""
    descriptor = _kept.get(os.getpid())
    if descriptor is None:
        _CLEAR_REFS.write_text("5")
    else:
        os.write(descriptor, b"5")
