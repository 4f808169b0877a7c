"""`python -m pruning.sandbox.server N`: forks a confined helper for each task that comes over descriptor N.

Importing transformers takes a second, and forking a process that has done so a hundredth of that. This
process is started with an almost empty environment, so that neither its memory nor that of a helper ever held
a secret; it reads no untrusted file itself. It ends when its parent does.

The parent sends one message per task: the task, the descriptors of the files and of the helper's own
connection. It receives the helper's process id, and finally its exit status.
"""

import json
import os
import signal
import socket
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

sys.modules["torch"] = None  # type: ignore[assignment] # saves half a second and 130 MB

# The imports come after this line, on which they depend.
from pruning.checkpoint.description import describe  # noqa: E402 - see above
from pruning.checkpoint.tokenizer import load_tokenizer  # noqa: E402 - see above
from pruning.data.text import parse_file, token_ids  # noqa: E402 - see above
from pruning.errors import InvalidInput, is_panic  # noqa: E402 - see above
from pruning.sandbox.confine import SandboxLimits, confine, deny_writes  # noqa: E402 - see above
from pruning.sandbox.frames import END, ERROR, IDS, TEXT, HelperConnection  # noqa: E402 - see above
from pruning.sandbox.privileges import die_with_parent  # noqa: E402 - see above

MAX_MESSAGE_BYTES = 1 << 16
MAX_DESCRIPTORS = 200  # of one message; the kernel takes 253

_MAX_ERROR_CHARACTERS = 2000


def main() -> None:
    """Serve until the parent ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # for the whole group: the parent decides when to end
    control = socket.socket(fileno=int(sys.argv[1]))
    with suppress(ConnectionError):  # the parent has ended; helpers end with this process
        control.send(b"ready")
        _serve(control)


def _serve(control: socket.socket) -> None:
    while received := _receive(control):
        message, descriptors = received
        answer = {"status": _end(message["end"])} if "end" in message else _start(message, descriptors)
        control.send(json.dumps(answer).encode())


def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return the next message with all its descriptors, of which each further message brings some."""
    content, descriptors, _, _ = socket.recv_fds(control, MAX_MESSAGE_BYTES, MAX_DESCRIPTORS)
    if not content:
        return None
    message = json.loads(content)
    while len(descriptors) < message.get("descriptors", 0):
        _, more, _, _ = socket.recv_fds(control, 1, MAX_DESCRIPTORS)
        if not more:
            return None
        descriptors += more
    return message, descriptors


def _start(message: dict[str, Any], descriptors: Sequence[int]) -> dict[str, Any]:
    parent = os.getpid()
    try:
        helper = os.fork()
    except OSError as error:
        return {"error": error.errno}
    finally:
        if os.getpid() == parent:
            for descriptor in descriptors:
                os.close(descriptor)
    if helper == 0:
        _become_helper(parent, message, descriptors)
    return {"process": helper}


def _end(helper: int) -> int:
    """Kill a helper, unless it has ended, and return how it ended."""
    os.kill(helper, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])


def _become_helper(parent: int, message: dict[str, Any], descriptors: Sequence[int]) -> NoReturn:
    status = 1
    try:
        die_with_parent(parent)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        end, *files = descriptors
        _close_all_but(descriptors)
        _help(message, files, HelperConnection(end))
        status = 0
    except (EOFError, BrokenPipeError):
        status = 0  # the run has closed the connection
    finally:
        os._exit(status)


def _close_all_but(kept: Sequence[int]) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    start = 3
    for descriptor in sorted(kept):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def _help(message: dict[str, Any], files: Sequence[int], connection: HelperConnection) -> None:
    request = connection.receive_json()
    directory = Path(request["directory"])
    try:
        for name, descriptor in zip(request["files"], files, strict=True):
            link = directory / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(f"/proc/self/fd/{descriptor}")
    except OSError as error:  # the disk is full, say
        connection.send_json({"errno": error.errno})
        return
    missing = confine(SandboxLimits(**message["limits"]), files, directory)
    connection.send_json(missing)
    if missing and message["all_layers"]:
        return
    try:
        TASKS[request["task"]](directory, request["about"], connection)
    except (EOFError, BrokenPipeError):
        raise
    except BaseException as error:
        if not (isinstance(error, Exception) or is_panic(error)):
            raise
        connection.send(ERROR, json.dumps(_encoded(error)).encode())


def _encoded(error: BaseException) -> dict[str, str]:
    """Encode an error: its message, or the type of an exception of a library."""
    if isinstance(error, InvalidInput):
        return {"message": str(error)[:_MAX_ERROR_CHARACTERS]}
    return {"kind": type(error).__name__}


Task = Callable[[Path, Mapping[str, Any], HelperConnection], None]
"""Takes the directory with links to the files, parameters of the task, and the connection."""


def send_description(directory: Path, about: Mapping[str, Any], connection: HelperConnection) -> None:
    """Describe the model in `directory`, which consists of the files `about["names"]`."""
    deny_writes()
    connection.send_json(asdict(describe(directory, about["names"])))


def send_documents(directory: Path, about: Mapping[str, Any], connection: HelperConnection) -> None:
    """Send the documents of the only file, one after the other."""
    deny_writes()
    path = directory / about["file"]
    for document in parse_file(path, about["size"], about["name"], about["field"]):
        connection.send(TEXT, document.encode())
    connection.send(END)


def send_token_ids(directory: Path, about: Mapping[str, Any], connection: HelperConnection) -> None:
    """Load the tokenizer of the model in `directory`, then answer each text with its ids, until EOFError."""
    tokenizer = load_tokenizer(directory, before_loading=deny_writes)
    connection.send(END)
    while True:
        connection.send(IDS, array("q", token_ids(tokenizer, connection.receive_text())).tobytes())


TASKS: Mapping[str, Task] = {
    "description": send_description,
    "documents": send_documents,
    "token ids": send_token_ids,
}


if __name__ == "__main__":
    main()
