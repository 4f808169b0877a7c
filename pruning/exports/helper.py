"""`python -P -m pruning.exports.helper N PARENT`: does one task of an export, confined, over descriptor N.

It is started with an almost empty environment, drops its privileges before it imports a library that reads
files, and then converts, quantises or measures. It may read the files of its task, which it inherits open,
and write into one directory. It sends the share that is done, and in the end a result or an error
(`pruning.exports.engine`, `pruning.exports.answers`).
"""

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pruning.errors import InvalidInput, is_panic
from pruning.exports.answers import MAX_ERROR_CHARACTERS
from pruning.exports.conversion import check, convert
from pruning.exports.importance import quantize_file
from pruning.exports.llama import LlamaFailed
from pruning.exports.measuring import measure
from pruning.exports.types import INPUTS, ShareStep
from pruning.sandbox.confine import SandboxLimits, confine
from pruning.sandbox.frames import END, ERROR, HelperConnection
from pruning.sandbox.privileges import die_with_parent

TASKS: Mapping[str, Callable[[Path, Mapping[str, Any], ShareStep], Any]] = {
    "check": check,
    "convert": convert,
    "measure": measure,
    "quantize": quantize_file,
}
"""Each gets the directory that it may write into, its arguments and `step`; it returns what JSON can say."""

_SECONDS_BETWEEN_STEPS = 0.2
_FULL_BELOW_BYTES = 2**20
_NO_SPACE = "Not enough free space"  # numpy's words, before it writes
_OUT_OF_MEMORY = (
    "std::bad_alloc",
    "failed to allocate",
    "unable to allocate",
    "failed to map",
    os.strerror(errno.ENOMEM),
)


def main() -> None:
    """Do the task."""
    descriptor, parent = map(int, sys.argv[1:])
    die_with_parent(parent)
    outside = HelperConnection(descriptor)
    request = outside.receive_json()
    directory, wheel = Path(request["directory"]), Path(request["converter"])
    files: Mapping[str, int] = request["files"]
    try:
        (directory / INPUTS).mkdir()
        for name, opened in files.items():
            link = directory / INPUTS / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(f"/proc/self/fd/{opened}")
    except OSError as error:  # the disk is full, say
        outside.send(ERROR, json.dumps(_encoded(error, directory)).encode())
        return
    for name in ("TMPDIR", "TORCHINDUCTOR_CACHE_DIR"):
        os.environ[name] = str(directory)  # libraries look for one when they are imported
    limits = SandboxLimits(**request["limits"])
    missing = confine(limits, [descriptor, *files.values()], directory, [wheel])
    outside.send_json({"missing": missing})
    if missing and request["all_layers"]:
        return
    sys.path.insert(0, str(wheel))
    try:
        result = TASKS[request["task"]](directory, request["about"], _step(outside))
        outside.send(END, json.dumps(result).encode())
    except BaseException as error:  # whatever it is, the other end has to hear of it
        if not (isinstance(error, Exception) or is_panic(error)):
            raise
        outside.send(ERROR, json.dumps(_encoded(error, directory)).encode())


def _step(outside: HelperConnection) -> ShareStep:
    last = 0.0

    def step(share: float) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= _SECONDS_BETWEEN_STEPS:
            last = now
            outside.send_json({"share": share})

    return step


def _encoded(error: BaseException, directory: Path) -> dict[str, Any]:
    """Say what went wrong: an error of the system by its number, and anything else in words."""
    words = str(error)[:MAX_ERROR_CHARACTERS]
    if isinstance(error, InvalidInput):
        return {"message": words, "field": error.field or "model.id"}
    # C++ and numpy do not pass the number on. Errors of other types may have words of the files.
    ours = type(error) in (LlamaFailed, RuntimeError) or (isinstance(error, OSError) and error.errno is None)
    if isinstance(error, MemoryError) or (ours and any(sign in words for sign in _OUT_OF_MEMORY)):
        return {"errno": errno.ENOMEM}
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM):
        return {"errno": error.errno}
    if ours:
        status = os.statvfs(directory)
        if _NO_SPACE in words or status.f_bavail * status.f_frsize < _FULL_BELOW_BYTES:
            return {"errno": errno.ENOSPC}
    if isinstance(error, LlamaFailed):
        return {"message": words}
    words = f"llama.cpp's programs do not take the files ({type(error).__name__}: {words})"
    return {"message": words[:MAX_ERROR_CHARACTERS]}


if __name__ == "__main__":
    main()
    os._exit(0)
