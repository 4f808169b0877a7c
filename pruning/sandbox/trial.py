"""Tests whether this kernel confines helpers: a confined process tries what must fail.

`python -m pruning.sandbox.trial` prints the missing layers, each with the reason, as JSON.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from pruning.sandbox.confine import LAYERS, SandboxLimits, confine
from pruning.sandbox.fork_server import SandboxUnavailable, environment

_TIMEOUT_SECONDS = 60.0


@cache
def missing_sandbox_layers() -> Mapping[str, str]:
    """Test it in a new process, once. Return the missing layers with reasons. Raises SandboxUnavailable."""
    command = [sys.executable, "-P", "-m", "pruning.sandbox.trial"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, env=environment(), capture_output=True, timeout=_TIMEOUT_SECONDS, check=True
        )
        missing = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise SandboxUnavailable(f"the test of a confined helper failed ({type(error).__name__})") from error
    return {str(layer): str(reason) for layer, reason in missing.items()}


def sandbox_layer_status(missing: Mapping[str, str]) -> dict[str, bool]:
    """Return for each layer whether it is active."""
    return {layer: layer not in missing for layer in LAYERS}


def describe_sandbox_layers(missing: Mapping[str, str]) -> str:
    """Return a line for the log: the active and the missing layers."""
    active = [layer for layer in LAYERS if layer not in missing]
    lacking = [f"{layer} ({reason})" for layer, reason in missing.items()]
    without = f"; without {', '.join(lacking)}" if lacking else ""
    return f"untrusted files are read in a sandbox: {', '.join(active) or 'none'}{without}"


def _main() -> None:
    missing = confine(SandboxLimits())
    attempts: Mapping[str, Callable[[], object]] = {
        "landlock": lambda: Path("/etc/passwd").read_bytes(),
        "system calls": lambda: socket.socket(socket.AF_INET),
        "limits": lambda: bytearray(SandboxLimits().memory_bytes + 2**30),
    }
    for layer, attempt in attempts.items():
        with suppress(OSError, MemoryError):
            attempt()
            missing.setdefault(layer, "has no effect")
    sys.stdout.write(json.dumps(missing))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _main()
