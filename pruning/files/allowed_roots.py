"""Which files a run may open: those in allowed directories, by their real paths."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pruning.errors import InvalidInput
from pruning.files.frozen_file import FrozenFile


@dataclass(frozen=True)
class Roots:
    """The directories that may contain local models and texts. None allows any, for use as a library."""

    models: tuple[Path, ...] | None = None
    data: tuple[Path, ...] | None = None
    tasks: tuple[Path, ...] = ()  # directories of task definitions, which are run as code


def freeze(path: Path, roots: Sequence[Path] | None, *, field: str, name: str | None = None) -> FrozenFile:
    """Find a file by its real path, with all symbolic links resolved here and never again.

    `name`: for messages; by default the last part of the path. Raises InvalidInput with `field` if it lies
    outside the roots, checked first so that the error does not reveal what exists outside them, or if it is
    not a readable file.
    """
    try:
        real = path.resolve()
        root = _root_of(real, roots)
        if root is None:
            allowed = ", ".join(str(root) for root in roots or ()) or "none is configured"
            raise InvalidInput(f"{path} lies outside the allowed directories ({allowed})", field=field)
        return FrozenFile.freeze(root, real.relative_to(root), name=name or path.name, field=field)
    except (OSError, RuntimeError) as error:  # a name that is too long, a loop of links, no permission
        raise InvalidInput(f"{path} does not exist or is not a readable file", field=field) from error


def _root_of(real: Path, roots: Sequence[Path] | None) -> Path | None:
    """Return the root that a real path lies below, as a real path; None if there is no such root."""
    if roots is None:
        return Path(real.anchor)
    return next((root for root in map(Path.resolve, roots) if real.is_relative_to(root)), None)


def freeze_by_content(name: str, roots: Sequence[Path] | None, *, field: str) -> FrozenFile:
    """Return the file `<sha256>.<extension>` in one of the roots, after verifying its content by its name.

    Raises InvalidInput with `field` if no root has it, or if its content does not match.
    """
    for root in roots or ():
        if (root / name).is_file():
            file = freeze(root / name, roots, field=field).hashed()
            if file.sha256 != name.partition(".")[0]:
                raise InvalidInput(f"{name} is damaged: its SHA-256 is {file.sha256}", field=field)
            return file
    raise InvalidInput(
        f"no allowed directory holds {name}: put the file in one of them under that name", field=field
    )
