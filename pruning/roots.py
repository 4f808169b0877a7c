"""Which files a run may open: those under allowed directories, judged by where they really lie."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pruning.errors import InvalidInput


@dataclass(frozen=True)
class Roots:
    """The directories under which local models and texts must lie. None allows any, for use as a library."""

    models: tuple[Path, ...] | None = None
    data: tuple[Path, ...] | None = None
    tasks: tuple[Path, ...] = ()  # holding definitions of tasks, which are code: see pruning.tasks


def real_file(path: Path, roots: Sequence[Path] | None, *, field: str) -> Path:
    """The file that opening `path` would open, all symbolic links followed. Open what this returns.

    Raises InvalidInput with `field` where it lies outside the roots, and only then where it is no readable
    file: what exists outside the roots must not show in the answer.
    """
    try:
        real = path.resolve()
        if roots is not None and not any(real.is_relative_to(root.resolve()) for root in roots):
            allowed = ", ".join(str(root) for root in roots) or "none is configured"
            raise InvalidInput(f"{path} lies outside the allowed directories ({allowed})", field=field)
        readable = real.is_file() and os.access(real, os.R_OK)
    except (OSError, RuntimeError):  # a name that is too long, a loop of links, a directory that is closed
        readable = False
    if not readable:
        raise InvalidInput(f"{path} does not exist or is not a readable file", field=field)
    return real
