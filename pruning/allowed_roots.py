"""Which files a run may open: those under allowed directories, judged by where they really lie."""

import hashlib
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
    tasks: tuple[Path, ...] = ()  # with task definitions, which are code


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


def file_by_content(name: str, roots: Sequence[Path] | None, *, field: str) -> Path:
    """The file `<sha256>.<ending>` in one of the roots, once its content is found to be what its name says.

    Raises InvalidInput with `field` where no root has it, or the content is another.
    """
    for root in roots or ():
        if (root / name).is_file():
            real = real_file(root / name, roots, field=field)
            with real.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != name.partition(".")[0]:
                raise InvalidInput(f"{name} is damaged: its SHA-256 is {digest}", field=field)
            return real
    raise InvalidInput(f"no allowed directory holds {name}: put the text there under that name", field=field)
