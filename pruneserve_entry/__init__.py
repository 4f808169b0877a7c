"""The programs that PruneServe installs: each checks where the service's packages lie, and then runs one.

Those packages have plain names, such as `api` and `jobs`. A user's own `jobs.py` on the path would be
imported in place of ours, and `python -m api` runs whatever `api.py` is in the working directory. This
package has a name of its own and imports only the standard library, so its programs start anywhere. They
import nothing from the working directory, and neither do their child processes.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("api", "cli", "jobs", "migrations", "pruneserve_client", "pruning", "scheduler", "worker")
"""The top-level packages that are installed next to this one."""

_HOME = Path(__file__).parents[1]


def pruneserve() -> None:
    """Run `pruneserve`: a whole service on this machine, and a client of any server."""
    _run("cli.main", "app")


def api() -> None:
    """Run `pruneserve-api`."""
    _run("api.__main__")


def scheduler() -> None:
    """Run `pruneserve-scheduler`."""
    _run("scheduler.__main__")


def worker() -> None:
    """Run `pruneserve-worker`."""
    _run("worker.__main__")


def migrate() -> None:
    """Run `pruneserve-migrate`."""
    _run("migrations.__main__")


def admin() -> None:
    """Run `pruneserve-admin`."""
    _run("jobs.__main__")


def shadowed(packages: Sequence[str] = PACKAGES) -> str | None:
    """Say which package this process would import from elsewhere, and what to do; None if there is none."""
    for name in packages:
        spec = find_spec(name)
        places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
        origin = next(filter(None, places), None)
        if origin is None or Path(origin) != _HOME / name / "__init__.py":
            return (
                f"{name!r} would be imported from {origin or 'nowhere'}, not from {_HOME / name}; "
                "install PruneServe in an environment of its own, and unset PYTHONPATH"
            )
    return None


def _run(module: str, function: str = "main") -> None:
    _remove_script_directory()
    if culprit := shadowed():
        sys.exit(f"error: {culprit}")
    wrong_settings = import_module("jobs.secret_files").WrongSettings
    try:
        getattr(import_module(module), function)()
    except wrong_settings as error:
        sys.exit(f"error: {error}")


def _remove_script_directory() -> None:
    """Do for this process and its children what `python -P` does."""
    if not sys.flags.safe_path and sys.path and Path(sys.path[0]) == Path(sys.argv[0]).parent:
        del sys.path[0]
    os.environ["PYTHONSAFEPATH"] = "1"
