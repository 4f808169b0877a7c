"""Real file systems: a small disk, that a test can fill, and one that is dead."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(directory: Path, options: str = "size=1m", *, kind: str = "tmpfs") -> Iterator[Path]:
    """A directory that is a file system of its own."""
    directory.mkdir(parents=True)
    mount = ["mount", "-t", kind, "-o", options, kind, str(directory)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a file system (CAP_SYS_ADMIN)")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@contextmanager
def dead_mount(directory: Path, *, hangs: bool = False) -> Iterator[Path]:
    """A directory that is mounted from a process (FUSE) that has died, or that answers nothing."""
    directory.mkdir(parents=True)
    if not Path("/dev/fuse").exists():
        pytest.skip("this machine has no FUSE")
    with Path("/dev/fuse").open("r+b", buffering=0) as device:
        number = device.fileno()
        options = f"fd={number},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        mount = ["mount", "--internal-only", "-t", "fuse", "-o", options, "dead", str(directory)]
        if subprocess.run(mount, check=False, capture_output=True, pass_fds=(number,)).returncode:
            pytest.skip("only root can mount a file system (CAP_SYS_ADMIN)")
        try:
            if not hangs:
                device.close()
            yield directory
        finally:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)
