"""Which tests go to one process of pytest-xdist: those of a file that makes something once for all of them.

Any other process that runs one of them makes it again: a wheel, the site, a kernel's sums in Triton's
interpreter, a running service. Groups come first, the largest of them before the others; then each test goes
to whichever process is free. (The mark `xdist_group` is not read with pytest 9.2 and pytest-xdist 3.8.)
"""

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

CHECKOUT = Path(__file__).parents[1]

OF_ONE_RUN = "tests/monitoring/"
"""The folder whose files share one run of the service."""

OF_ONE_BROWSER = "tests/browser/"
"""The folder of whose files each starts Chromium once."""


class Together(LoadScopeScheduling):
    """Hands out whole files where they have a fixture for the module, a folder, and all others one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """Return the name of the group that a test belongs to: its folder's, its file's, or its own."""
    file = nodeid.partition("::")[0]
    if file.startswith(OF_ONE_RUN):
        return OF_ONE_RUN
    once = file.startswith(OF_ONE_BROWSER) or makes_something_once(file)
    return file if once else nodeid


@cache
def makes_something_once(file: str) -> bool:
    """`file` is a path below the checkout."""
    return 'scope="module"' in (CHECKOUT / file).read_text()
