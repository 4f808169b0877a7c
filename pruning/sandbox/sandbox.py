"""The sandbox: untrusted files are read by confined helper processes, and only checked data comes back.

A run of the service holds secrets and the network. So it never parses a config, a tokenizer or a text itself:
for each it has a helper started (`pruning.sandbox.fork_server`), passes it the open files and nothing else,
and receives JSON, texts and token ids, each with a size limit (`pruning.sandbox.frames`). Any failure of the
helper is an error of the request, unless the run cannot read the files itself: it cannot end the run's own
process.
"""

import builtins
import json
import os
import signal
import socket
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pruning.checkpoint.description import Description
from pruning.checkpoint.files import WEIGHTS, ModelFiles
from pruning.data.text import Tokenizer
from pruning.errors import InvalidInput
from pruning.files.frozen_file import FrozenFile
from pruning.sandbox.confine import SandboxLimits
from pruning.sandbox.fork_server import HelperProcess, SandboxUnavailable, fork_server
from pruning.sandbox.frames import (
    END,
    ERROR,
    IDS,
    JSON,
    TEXT,
    HelperExited,
    HelperFailed,
    HelperTimeout,
    ProtocolViolation,
    RunConnection,
)

_MAX_JSON_BYTES = 16 * 2**20
_MAX_ERROR_BYTES = 64 * 2**10
_MAX_TEXT_BYTES = 2**31
_MAX_CHARACTERS = 2**31

# A text has at most a few tokens per character; a tokenizer may add some of its own, or fill up to a length.
_TOKENS_PER_CHARACTER = 16
_EXTRA_TOKENS = 2**20

_MODEL = "model.id"


@dataclass(frozen=True)
class Sandbox:
    """Reads untrusted files in helpers; see `pruning.sandbox.reading.UntrustedReader`."""

    limits: SandboxLimits = field(default_factory=SandboxLimits)
    all_layers: bool = False
    """Whether a missing layer of confinement raises SandboxUnavailable."""
    job_memory_bytes: int | None = None
    """What the job's processes may hold together; None: what the machine has."""
    scratch: Path | None = None
    """Directory for private temporary directories; None: the system's."""

    def describe(self, files: ModelFiles, names: Collection[str]) -> Description:
        about = {"names": list(names)}
        with self._helper("description", files.files, about, _CONFIG) as helper:
            return Description.checked(helper.receive_json(), names)

    @contextmanager
    def tokenizer(self, files: ModelFiles) -> Iterator[Tokenizer]:
        small = [file for file in files.files if not file.name.endswith(WEIGHTS)]
        with self._helper("token ids", small, {}, _TOKENIZER) as helper:
            helper.receive_end()
            yield _TokenizerProxy(helper)

    def documents(self, file: FrozenFile, name: str, field: str) -> Iterator[str]:
        about = {"file": "text", "size": file.size, "name": name, "field": field}
        characters = 0
        with self._helper("documents", [file], about, _Subject(name, field), names=["text"]) as helper:
            while (document := helper.receive_text()) is not None:
                characters += len(document)
                if characters > _MAX_CHARACTERS:
                    raise ProtocolViolation("more characters than are read")
                yield document

    @contextmanager
    def _helper(
        self,
        task: str,
        files: Sequence[FrozenFile],
        about: Mapping[str, Any],
        subject: "_Subject",
        *,
        names: Sequence[str] | None = None,
    ) -> Iterator["_Helper"]:
        """Start a helper for one task. It ends with the body.

        `names`: of the files in the helper's directory; their own by default. Raises InvalidInput for
        whatever the helper does, OSError where the machine fails to read the files, and `SandboxUnavailable`.
        """
        process = HelperProcess()
        try:
            with (
                TemporaryDirectory(prefix="pruneserve-model-", dir=self.scratch) as directory,
                ExitStack() as opened,
            ):
                # The connection first: where descriptors run out, it is because of the model's files.
                helpers = fork_server()
                ours, theirs = socket.socketpair()
                opened.enter_context(ours)
                with theirs:
                    descriptors = [int(opened.enter_context(file.opened()).name) for file in files]
                    message = {"limits": asdict(self.limits), "all_layers": self.all_layers}
                    process = opened.enter_context(helpers.helper(message, [theirs.fileno(), *descriptors]))
                helper = _Helper(RunConnection(ours, self.limits.wall_seconds), subject)
                request = {
                    "task": task,
                    "directory": directory,
                    "files": names or [file.name for file in files],
                    "about": about,
                }
                missing = helper.begin(request)
                if missing and self.all_layers:
                    raise SandboxUnavailable(f"the kernel does not give a helper: {', '.join(missing)}")
                yield helper
        except InvalidInput:
            _check_readable(files)
            raise
        except HelperFailed as failed:
            _check_readable(files)
            raise subject.refused(_reason(failed, process.status, self.limits)) from failed


def _check_readable(files: Sequence[FrozenFile]) -> None:
    """Read the files that a helper has refused. Raises OSError where the machine fails.

    Libraries hide such an error, or die of it. And a helper's word for it would let a file that has taken it
    over blame the worker, which is quarantined for its faults.
    """
    for file in files:
        if file.size <= _MAX_TEXT_BYTES:  # a helper refuses larger ones unread
            file.digest()


@dataclass(frozen=True)
class _Subject:
    """What a helper reads, for error messages."""

    name: str
    field: str
    remedy: str = "write it again, or give another file"

    def refused(self, reason: str) -> InvalidInput:
        return InvalidInput(f"{self.name} cannot be used: {reason}; {self.remedy}", field=self.field)


_CONFIG = _Subject("the model's config or another of its small files", _MODEL, "download it again")
_TOKENIZER = _Subject("the model's tokenizer", _MODEL, "save it again with a current version of transformers")


class _Helper:
    """A run's connection to a helper, whose answers are validated."""

    def __init__(self, connection: RunConnection, subject: _Subject) -> None:
        self._connection = connection
        self._subject = subject
        self._shows_messages = False

    def begin(self, request: Mapping[str, Any]) -> Collection[str]:
        """Send the task. Return the missing layers of confinement. Raises HelperFailed.

        Raises OSError where the helper's directory takes no links to the files, as on a full disk.
        """
        self._connection.send(JSON, json.dumps(request).encode())
        _, content = self._connection.receive({JSON: _MAX_JSON_BYTES})
        answer = json.loads(content)  # it has read no file yet
        if number := answer.get("errno"):
            raise OSError(number, os.strerror(number), request["directory"])
        missing = list(answer)
        self._shows_messages = "landlock" not in missing
        return missing

    def receive_json(self) -> object:
        """Return the next frame's value. Raises InvalidInput or HelperFailed, as all methods below."""
        _, content = self._receive(_MAX_JSON_BYTES, JSON)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ProtocolViolation("no JSON") from error

    def receive_end(self) -> None:
        self._receive(0, END)

    def receive_text(self) -> str | None:
        """Return the next text, or None after the last one."""
        self._connection.reset_timeout()
        kind, content = self._receive(_MAX_TEXT_BYTES, TEXT, END)
        try:
            return content.decode() if kind == TEXT else None
        except UnicodeDecodeError as error:
            raise ProtocolViolation("no text") from error

    def token_ids(self, text: str) -> list[int]:
        """Return the ids of a text, int64; their number is limited by the text's length."""
        self._connection.reset_timeout()
        self._connection.send(TEXT, text.encode(errors="surrogatepass"))
        ids = array("q")
        limit = _EXTRA_TOKENS + _TOKENS_PER_CHARACTER * len(text)
        _, content = self._receive(limit * ids.itemsize, IDS)
        if len(content) % ids.itemsize:
            raise ProtocolViolation("no ids")
        ids.frombytes(content)
        return ids.tolist()

    def _receive(self, max_bytes: int, *expected: bytes) -> tuple[bytes, bytes]:
        allowed = {**dict.fromkeys(expected, max_bytes), ERROR: _MAX_ERROR_BYTES}
        kind, content = self._connection.receive(allowed)
        if kind == ERROR:
            raise self._error(content)
        return kind, content

    def _error(self, content: bytes) -> InvalidInput:
        """Return the error that a helper reports.

        Without Landlock a helper could open any file of the worker's user, and its message is shown to the
        job's owner. So only the name of a built-in exception is reported then.
        """
        try:
            reported = json.loads(content)
            if "message" in reported:
                return self._message_error(str(reported["message"]))
            kind = str(reported["kind"])[:60]
            known = self._shows_messages or isinstance(getattr(builtins, kind, None), type)
            return self._subject.refused(f"it makes its library fail ({kind if known else 'with an error'})")
        except (ValueError, RecursionError, LookupError, TypeError) as error:
            raise ProtocolViolation("no error") from error

    def _message_error(self, message: str) -> InvalidInput:
        if self._shows_messages:
            return InvalidInput(message, field=self._subject.field)
        return self._subject.refused("details hidden: this worker's kernel has no Landlock")


class _TokenizerProxy:
    """A tokenizer in a helper."""

    def __init__(self, helper: _Helper) -> None:
        self._helper = helper

    def __call__(self, text: str, *, verbose: bool) -> Mapping[str, list[int]]:
        return {"input_ids": self._helper.token_ids(text)}


def _reason(failed: HelperFailed, status: int, limits: SandboxLimits) -> str:
    """Return why a helper has not answered. `status`: its exit status."""
    if isinstance(failed, HelperTimeout):
        return f"reading it takes more than {limits.wall_seconds:g} s"
    if isinstance(failed, HelperExited) and status == -signal.SIGXCPU:
        return f"reading it takes more than {limits.cpu_seconds} s of processor time"
    if isinstance(failed, HelperExited) and status == -signal.SIGKILL:
        return "the system killed the process that reads it (SIGKILL), as it does where memory runs out"
    if isinstance(failed, HelperExited) and status < 0:
        return f"it ends the process that reads it ({_name(-status)})"
    return "it keeps the process that reads it from answering"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
