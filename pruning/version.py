"""PruneServe's version, also where its tree runs without being installed, and the version of its numbers."""

from importlib.metadata import PackageNotFoundError, version

NOT_INSTALLED = "0+not-installed"
"""The version of a tree that no installer knows, such as one that was copied to a machine."""

NUMERICS = 2
"""The version of the numbers: raise it when any norm, mask, weight or measurement changes by a bit, and at no
other time. Blocks, gradient norms and dense measurements of another version of the service are used if theirs
is the same; `tests/pruning/test_numerics.py` compares with numbers on file."""


def pruneserve_version() -> str:
    """Return the installed version of PruneServe, or `NOT_INSTALLED`."""
    try:
        return version("pruneserve")
    except PackageNotFoundError:
        return NOT_INSTALLED
