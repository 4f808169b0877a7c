"""Which files a run may open: those in allowed directories, by their real paths."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pruning.errors import InvalidInput


@dataclass(frozen=True)
class Roots:
    """The directories that local models and texts may lie in. None allows any, for use as a library."""

    models: tuple[Path, ...] | None = None
    data: tuple[Path, ...] | None = None
    tasks: tuple[Path, ...] = ()  # directories of task definitions, which are run as code


def real_file(path: Path, roots: Sequence[Path] | None, *, field: str) -> Path:
    """Return the real path of a file, with all symbolic links resolved. Open what this returns.

    Raises InvalidInput with `field` if it lies outside the roots, checked first so that the error does not
    reveal what exists outside them, or if it is not a readable file.
    """
    try:
        real = path.resolve()
        if roots is not None and not any(real.is_relative_to(root.resolve()) for root in roots):
            allowed = ", ".join(str(root) for root in roots) or "none is configured"
            raise InvalidInput(f"{path} lies outside the allowed directories ({allowed})", field=field)
        readable = real.is_file() and os.access(real, os.R_OK)
    except (OSError, RuntimeError):  # a name that is too long, a loop of links, an unreadable directory
        readable = False
    if not readable:
        raise InvalidInput(f"{path} does not exist or is not a readable file", field=field)
    return real


def file_by_content(name: str, roots: Sequence[Path] | None, *, field: str) -> Path:
    """Return the file `<sha256>.<extension>` in one of the roots, after verifying its content by its name.

    Raises InvalidInput with `field` if no root has it, or if its content does not match.
    """
    for root in roots or ():
        if (root / name).is_file():
            real = real_file(root / name, roots, field=field)
            with real.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != name.partition(".")[0]:
                raise InvalidInput(f"{name} is damaged: its SHA-256 is {digest}", field=field)
            return real
    raise InvalidInput(
        f"no allowed directory holds {name}: put the text in one of them under that name", field=field
    )
