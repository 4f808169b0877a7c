"""Whether a kernel of our own can be used: torch's operations, which it replaces, always can."""

import logging
from collections.abc import Callable

from pruning.runtime.device import is_out_of_memory

log = logging.getLogger(__name__)


def kernel_works(self_test: Callable[[], bool], kernel: str, result: str, otherwise: str) -> bool:
    """Whether the first call of a kernel compiles and passes its self-test. If not, a warning is logged.

    `kernel`, `result` and `otherwise` name it, what it computes, and what is used in its place.
    Raises the out-of-memory error.
    """
    try:
        passed = self_test()
    except Exception as error:  # a compiler can raise anything
        if is_out_of_memory(error):
            raise
        log.warning("%s does not run, using %s: %s", kernel, otherwise, error)
        return False
    if not passed:
        log.warning("%s gives wrong %s, using %s", kernel, result, otherwise)
    return passed
