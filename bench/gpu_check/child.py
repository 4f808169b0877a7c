"""The process of one check, which `process` starts: `python -m bench.gpu_check.child module:function ...`."""

import argparse
import faulthandler
import importlib.metadata
import os
import platform
import resource
import threading
import time
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import torch

from bench.gpu_check.context import GB, Context
from bench.gpu_check.result import TRACEBACK_SIGNAL, Findings

_PACKAGES = ("torch", "transformers", "triton", "safetensors", "psutil", "pydantic")
_INTERVAL_SECONDS = 0.1


def versions() -> dict[str, str]:
    """Return the versions of Python and the packages that decide the results, without waking the device."""
    found = {"python": platform.python_version(), "cuda": str(torch.version.cuda)}
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


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
        found = {"host": max(usage.ru_maxrss for usage in usages) * 1024 / GB}
        return found | ({"device": self._peak / GB} if self._peak else {})

    def _sample(self) -> None:
        while True:
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                try:
                    free, total = torch.cuda.mem_get_info(self._device)
                except RuntimeError:  # an error has broken the context
                    return
                self._peak = max(self._peak, total - free)
            time.sleep(_INTERVAL_SECONDS)


def main() -> None:
    """Run the check. An error ends the process with its traceback in the log."""
    faulthandler.register(TRACEBACK_SIGNAL)  # also while a thread waits in a library
    parser = argparse.ArgumentParser()
    parser.add_argument("function")
    parser.add_argument("--device", required=True)
    parser.add_argument("--size", required=True)
    parser.add_argument("--findings", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    options = parser.parse_args()
    torch.manual_seed(0)
    device = torch.device(
        "cuda:0" if options.device == "cuda" else options.device
    )  # some calls want an index
    at = Context(
        device,
        options.size,
        options.scratch,
        options.findings,
        Findings(versions()),
        peak_memory=SampledMemory(device).peak,
    )
    module, _, function = options.function.partition(":")
    try:
        getattr(import_module(f"bench.gpu_check.{module}"), function)(at)
    finally:
        # At the end: asking for its name would initialise CUDA, which a check may want to do by itself.
        at.findings = replace(at.findings, device=_name(device))
        at.save()


def _name(device: torch.device) -> str:
    if device.type == "cpu":
        return f"cpu, {os.cpu_count()} cores"
    try:
        return torch.cuda.get_device_name(device)
    except (RuntimeError, AssertionError) as error:  # no such device, or a context that an error has broken
        return f"unknown: {error}"


if __name__ == "__main__":
    main()
