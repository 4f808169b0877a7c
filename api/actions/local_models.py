"""Models in the directories that jobs may use, for the form to offer."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

_LEVELS = 2
_ENTRIES = 500
"""How many entries of the directories are looked at, at most: a root may hold anything."""


def local_models(roots: Sequence[Path], *, most: int) -> list[str]:
    """Return up to `most` directories with a config.json, at most two levels below a root, sorted by path.

    Links are left out, because a job may not follow them. What cannot be read counts as empty: an API need
    not see what its workers see.
    """
    budget = iter(range(_ENTRIES))
    found = [model for root in roots for model in _below(root, _LEVELS, budget)]
    return sorted(found)[:most]


def _below(directory: Path, levels: int, budget: Iterator[int]) -> Iterator[str]:
    try:
        with os.scandir(directory) as entries:
            # `zip` ends with the budget.
            inner = [
                entry.name
                for entry, _ in zip(entries, budget, strict=False)
                if entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return
    for name in inner:
        path = directory / name
        if (path / "config.json").is_file():
            yield str(path)
        elif levels > 1:
            yield from _below(path, levels - 1, budget)
