"""Check that the Python environment is PruneServe's own.

The service is an application: it installs top-level packages with plain names, such as `api` and `jobs`. If
another distribution has a package of the same name, the service's processes may import that one.
"""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import cli
from cli.terminal import CommandFailed, Exit
from pruneserve_entry import PACKAGES


def require_own_environment() -> None:
    """Raise `CommandFailed` if a process of the service would import a package that is not PruneServe's."""
    if culprit := _shadowed():
        raise CommandFailed(culprit, Exit.FAILED)
    installed, home = packages_distributions(), Path(cli.__file__).parents[1]
    for name in PACKAGES:
        if others := sorted(set(installed.get(name, ())) - {"pruneserve", "pruneserve-client"}):
            raise CommandFailed(
                f"{', '.join(others)} installs a package {name!r} too, over {home / name / '__init__.py'}; "
                "install PruneServe in an environment of its own",
                Exit.FAILED,
            )


def _shadowed() -> str:
    """Ask as the service's processes will find it: they ignore the working directory."""
    ask = "from pruneserve_entry import shadowed; print(shadowed() or '')"
    command = [sys.executable, "-P", "-c", ask]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - our own command
