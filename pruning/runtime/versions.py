"""The oldest versions of torch and transformers that work; nothing is imported to ask for them."""

import re
from importlib.metadata import PackageNotFoundError, version

from pruning.errors import PruningError

OLDEST = {
    "torch": (2, 11),  # the first with torch.cpu.get_capabilities
    "transformers": (5, 17),  # the oldest that the tests of all model families were run with
}


def refuse_old_versions() -> None:
    """Raise PruningError with the name of a library that is too old; a missing one fails on import."""
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
