"""PruneServe's version, also where its tree runs without being installed."""

from importlib.metadata import PackageNotFoundError, version

NOT_INSTALLED = "0+not-installed"
"""The version of a tree that no installer knows, such as one that was copied to a machine."""


def pruneserve_version() -> str:
    """Return the installed version of PruneServe, or `NOT_INSTALLED`."""
    try:
        return version("pruneserve")
    except PackageNotFoundError:
        return NOT_INSTALLED
