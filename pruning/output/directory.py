"""A directory that appears complete or not at all. Nothing here needs torch."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pruning.errors import InvalidInput


def refuse_existing(destination: Path) -> None:
    """Raise InvalidInput(field='output') if the destination exists and is not an empty directory."""
    is_directory = destination.is_dir() and not destination.is_symlink()
    if any(destination.iterdir()) if is_directory else os.path.lexists(destination):
        raise InvalidInput(f"{destination} exists already; give a new directory", field="output")


@contextmanager
def atomic_directory(destination: Path) -> Iterator[Path]:
    """Yield a directory to fill. It becomes `destination` in one step on success, and is deleted on failure.

    Missing parents are made, and deleted again on failure.

    Raises InvalidInput(field='output') if `destination` exists already.
    """
    refuse_existing(destination)
    missing = [parent for parent in destination.parents if not parent.exists()]  # the innermost first
    partial = destination.with_name(f".{destination.name}.{uuid.uuid4().hex}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        partial.rename(destination)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        raise
