"""The versions of PruneServe and of its numbers, and the oldest versions of torch and transformers that work.

Nothing is imported to read a version.
"""

import re
from importlib.metadata import PackageNotFoundError, version

NOT_INSTALLED = "0+not-installed"
"""The version of a source tree that is not installed."""

NUMERICS = 4
"""The version of the numbers: raise it when any norm, mask, weight or measurement changes by a bit, and at no
other time. Blocks, gradient norms and dense measurements of another version of the service are used if theirs
is the same; `tests/pruning/test_numerics.py` compares with numbers on file."""


def pruneserve_version() -> str:
    """Return the installed version of PruneServe, or `NOT_INSTALLED`."""
    try:
        return version("pruneserve")
    except PackageNotFoundError:
        return NOT_INSTALLED


OLDEST = {
    "torch": (2, 11),  # the first with torch.cpu.get_capabilities
    "transformers": (5, 17),  # the oldest that the tests of all model families were run with
}


def refuse_old_versions() -> None:
    """Raise PruningError with the name of a library that is too old; a missing one fails on import."""
    from pruning.errors import PruningError

    for name, oldest in OLDEST.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        if tuple(map(int, re.findall(r"\d+", found)[:2])) < oldest:
            needed = ".".join(map(str, oldest))
            raise PruningError(
                f"{name} {found} is installed, and PruneServe needs {needed} or newer: "
                f"pip install --upgrade '{name}>={needed}'"
            )
