"""The peak memory of one check, on the host and on the device."""

import resource
import threading
import time

import torch

_GB = 1e9
_INTERVAL_SECONDS = 0.1


class SampledMemory:
    """Samples what is taken of the device, as its driver sees it, once the check itself has initialised CUDA.

    Torch's own peak is reset by what is checked. Torch keeps what is freed, so that samples miss little.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._peak = 0
        if device.type == "cuda":
            threading.Thread(target=self._sample, daemon=True).start()

    def peak(self) -> dict[str, float]:
        """Return the gigabytes that were taken at most so far."""
        usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        found = {"host": max(usage.ru_maxrss for usage in usages) * 1024 / _GB}
        return found | ({"device": self._peak / _GB} if self._peak else {})

    def _sample(self) -> None:
        while True:
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                try:
                    free, total = torch.cuda.mem_get_info(self._device)
                except RuntimeError:  # an error has broken the context
                    return
                self._peak = max(self._peak, total - free)
            time.sleep(_INTERVAL_SECONDS)
