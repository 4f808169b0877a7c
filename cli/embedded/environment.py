"""Check that the Python environment is PruneServe's own.

The service is an application: it installs top-level packages with plain names, such as `api` and `jobs`. If
another distribution has a package of the same name, the service's processes may import that one.
"""

import json
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import cli
from cli.terminal import CommandFailed, Exit

PACKAGES = ("api", "jobs", "migrations", "pruning", "worker")

_ORIGINS = """
import json, sys
from importlib.util import find_spec

def origin(name):
    spec = find_spec(name)
    return spec and (spec.origin or [*spec.submodule_search_locations][0])

print(json.dumps({name: origin(name) for name in sys.argv[1:]}))
"""


def require_own_environment() -> None:
    """Raise `CommandFailed` if a process of the service would import a package that is not PruneServe's."""
    home = Path(cli.__file__).parents[1]
    for name, origin in _origins().items():
        if origin is None or Path(origin) != home / name / "__init__.py":
            raise CommandFailed(
                f"{name!r} would be imported from {origin or 'nowhere'}, not from {home / name}; "
                "install PruneServe in an environment of its own, and unset PYTHONPATH",
                Exit.FAILED,
            )
    installed = packages_distributions()
    for name in PACKAGES:
        if others := sorted(set(installed.get(name, ())) - {"pruneserve"}):
            raise CommandFailed(
                f"{', '.join(others)} installs a package {name!r} too, over {home / name / '__init__.py'}; "
                "install PruneServe in an environment of its own",
                Exit.FAILED,
            )


def _origins() -> dict[str, str | None]:
    """Return each package's file as the service's processes find it: they ignore the working directory."""
    command = [sys.executable, "-P", "-c", _ORIGINS, *PACKAGES]
    found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    origins: dict[str, str | None] = json.loads(found.stdout)
    return origins
