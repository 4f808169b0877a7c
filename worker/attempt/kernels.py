"""Where Triton keeps the kernels that it compiles for a job."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "TRITON_CACHE_DIR"


@contextmanager
def kernels_of(owner: str) -> Iterator[None]:
    """While a job runs, keep them in a directory of its owner, below `TRITON_CACHE_DIR`.

    A compiled kernel is machine code that a later job runs as it finds it, so no job loads what was written
    for another owner's.
    """
    before = os.environ.get(_VARIABLE)
    base = Path(before) if before else Path.home() / ".triton" / "cache"
    os.environ[_VARIABLE] = str(base / hashlib.sha256(owner.encode()).hexdigest()[:32])
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
