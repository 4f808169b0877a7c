"""The process of one check, which `process` starts: `python -m bench.gpu_check.child module:function ...`."""

import argparse
import faulthandler
import importlib.metadata
import os
import platform
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import torch

from bench.gpu_check.context import Context
from bench.gpu_check.memory import SampledMemory
from bench.gpu_check.result import WHERE, Findings

_PACKAGES = ("torch", "transformers", "triton", "safetensors", "psutil", "pydantic")


def versions() -> dict[str, str]:
    """Return the versions of Python and the packages that decide the results, without waking the device."""
    found = {"python": platform.python_version(), "cuda": str(torch.version.cuda)}
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def main() -> None:
    """Run the check. An error ends the process with its traceback in the log."""
    faulthandler.register(WHERE)  # also while a thread waits in a library
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
