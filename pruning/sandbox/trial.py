"""Whether this kernel confines helpers: a process of its own is confined, and tries what must fail then.

`python -m pruning.sandbox.trial` prints the layers that do not hold, each with the reason, as JSON.
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

from pruning.sandbox.confine import LAYERS, Limits, confine
from pruning.sandbox.starter import NoSandbox, environment

_LONGEST_SECONDS = 60.0


@cache
def failed_layers() -> Mapping[str, str]:
    """Try it in a new process, once. Return the layers that do not hold here. Raises `NoSandbox`."""
    command = [sys.executable, "-P", "-m", "pruning.sandbox.trial"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, env=environment(), capture_output=True, timeout=_LONGEST_SECONDS, check=True
        )
        missing = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NoSandbox(f"a helper cannot be confined on trial ({type(error).__name__})") from error
    return {str(layer): str(reason) for layer, reason in missing.items()}


def held_layers(missing: Mapping[str, str]) -> dict[str, bool]:
    """Return for each layer whether it holds."""
    return {layer: layer not in missing for layer in LAYERS}


def describe_layers(missing: Mapping[str, str]) -> str:
    """Return a line for the log: which layers hold, and which do not."""
    held = [layer for layer in LAYERS if layer not in missing]
    lacking = [f"{layer} ({reason})" for layer, reason in missing.items()]
    without = f"; without {', '.join(lacking)}" if lacking else ""
    return f"strangers' files are read in a sandbox: {', '.join(held) or 'none'}{without}"


def _main() -> None:
    missing = confine(Limits())
    attempts: Mapping[str, Callable[[], object]] = {
        "landlock": lambda: Path("/etc/passwd").read_bytes(),
        "system calls": lambda: socket.socket(socket.AF_INET),
        "limits": lambda: bytearray(Limits().memory_bytes + 2**30),
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
