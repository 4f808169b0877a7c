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
def dead_mount(directory: Path) -> Iterator[Path]:
    """A directory that is mounted from a process (FUSE) that has died."""
    directory.mkdir(parents=True)
    if not Path("/dev/fuse").exists():
        pytest.skip("this machine has no FUSE")
    device = os.open("/dev/fuse", os.O_RDWR)
    try:
        options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        mount = ["mount", "--internal-only", "-t", "fuse", "-o", options, "dead", str(directory)]
        done = subprocess.run(mount, check=False, capture_output=True, pass_fds=(device,))
    finally:
        os.close(device)
    if done.returncode:
        pytest.skip("only root can mount a file system (CAP_SYS_ADMIN)")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
