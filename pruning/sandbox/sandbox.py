"""The sandbox: untrusted files are read by confined helper processes, and only checked data comes back.

A run of the service holds secrets and the network. So it never parses a config, a tokenizer or a text itself:
for each it has a helper started (`pruning.sandbox.starter`), hands it the open files and nothing else, and
takes JSON, texts and token ids from it, each with a bound (`pruning.sandbox.frames`). Whatever becomes of the
helper is an error of the request: it cannot end the run's own process.
"""

import builtins
import json
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
from pruning.sandbox.confine import Limits
from pruning.sandbox.frames import (
    END,
    ERROR,
    IDS,
    JSON,
    TEXT,
    Broken,
    Gone,
    HelperFailed,
    Outside,
    TooLate,
)
from pruning.sandbox.starter import HelperProcess, NoSandbox, starter

_LONGEST_JSON = 16 * 2**20
_LONGEST_ERROR = 64 * 2**10
_LONGEST_TEXT = 2**31
_MOST_CHARACTERS = 2**31

# A text has at most a few tokens per character; a tokenizer may add some of its own, or fill up to a length.
_TOKENS_PER_CHARACTER = 16
_MORE_TOKENS = 2**20

_MODEL = "model.id"


@dataclass(frozen=True)
class Sandbox:
    """Reads untrusted files in helpers; see `pruning.sandbox.reading.Reading`."""

    limits: Limits = field(default_factory=Limits)
    all_layers: bool = False
    """Whether a helper that the kernel does not confine in every way is refused, with `NoSandbox`."""
    scratch: Path | None = None
    """Where private directories are made; None: where the system keeps temporary files."""

    def describe(self, files: ModelFiles, names: Collection[str]) -> Description:
        about = {"names": list(names)}
        with self._helper("description", files.files, about, _Subject.of_config()) as helper:
            return Description.checked(helper.receive_json(), names)

    @contextmanager
    def tokenizer(self, files: ModelFiles) -> Iterator[Tokenizer]:
        small = [file for file in files.files if not file.name.endswith(WEIGHTS)]
        with self._helper("token ids", small, {}, _Subject.of_tokenizer()) as helper:
            helper.receive_end()
            yield _TokenizerInside(helper)

    def documents(self, file: FrozenFile, name: str, field: str) -> Iterator[str]:
        about = {"file": "text", "size": file.size, "name": name, "field": field}
        characters = 0
        with self._helper("documents", [file], about, _Subject(name, field), names=["text"]) as helper:
            while (document := helper.receive_text()) is not None:
                characters += len(document)
                if characters > _MOST_CHARACTERS:
                    raise Broken("more characters than are read")
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
        whatever the helper does, and `NoSandbox`.
        """
        process = HelperProcess()
        try:
            with (
                TemporaryDirectory(prefix="pruneserve-model-", dir=self.scratch) as directory,
                ExitStack() as opened,
            ):
                # First the descriptors needed for any model: only those of its files may be too many.
                helpers = starter()
                ours, theirs = socket.socketpair()
                opened.enter_context(ours)
                with theirs:
                    descriptors = [int(opened.enter_context(file.opened()).name) for file in files]
                    message = {"limits": asdict(self.limits), "all_layers": self.all_layers}
                    process = opened.enter_context(helpers.helper(message, [theirs.fileno(), *descriptors]))
                helper = _Helper(Outside(ours, self.limits.wall_seconds), subject)
                request = {
                    "task": task,
                    "directory": directory,
                    "files": names or [file.name for file in files],
                    "about": about,
                }
                self._refuse_unconfined(helper.begin(request))
                yield helper
        except HelperFailed as failed:
            raise subject.refused(_reason(failed, process.status, self.limits)) from failed

    def _refuse_unconfined(self, missing: Collection[str]) -> None:
        if missing and self.all_layers:
            raise NoSandbox(f"the kernel does not give a helper: {', '.join(missing)}")


@dataclass(frozen=True)
class _Subject:
    """What a helper reads, for the messages of errors."""

    name: str
    field: str
    remedy: str = "write it again, or give another file"

    @classmethod
    def of_config(cls) -> "_Subject":
        return cls("the model's config or another file beside its weights", _MODEL, "download it again")

    @classmethod
    def of_tokenizer(cls) -> "_Subject":
        return cls("the model's tokenizer", _MODEL, "save it again with a current version of transformers")

    def refused(self, reason: str) -> InvalidInput:
        return InvalidInput(f"{self.name} cannot be used: {reason}; {self.remedy}", field=self.field)


class _Helper:
    """What a run says to a helper and believes of it."""

    def __init__(self, outside: Outside, subject: _Subject) -> None:
        self._outside = outside
        self._subject = subject
        self._is_trusted_with_words = False

    def begin(self, request: Mapping[str, Any]) -> Collection[str]:
        """Send the task. Return the layers that do not hold. Raises `HelperFailed`."""
        self._outside.send(JSON, json.dumps(request).encode())
        _, content = self._outside.receive(_LONGEST_JSON, JSON)
        missing = list(json.loads(content))  # it has read no file yet
        self._is_trusted_with_words = "landlock" not in missing
        return missing

    def receive_json(self) -> object:
        """Raises InvalidInput or `HelperFailed`, as all that follow."""
        _, content = self._receive(_LONGEST_JSON, JSON)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Broken("no JSON") from error

    def receive_end(self) -> None:
        self._receive(0, END)

    def receive_text(self) -> str | None:
        """Return the next text, or None after the last one."""
        self._outside.reset_timeout()
        kind, content = self._receive(_LONGEST_TEXT, TEXT, END)
        try:
            return content.decode() if kind == TEXT else None
        except UnicodeDecodeError as error:
            raise Broken("no text") from error

    def token_ids(self, text: str) -> list[int]:
        """Return the ids of a text: integers of 64 bits, of which a text gives so many at most."""
        self._outside.reset_timeout()
        self._outside.send(TEXT, text.encode(errors="surrogatepass"))
        ids = array("q")
        most = _MORE_TOKENS + _TOKENS_PER_CHARACTER * len(text)
        _, content = self._receive(most * ids.itemsize, IDS)
        if len(content) % ids.itemsize:
            raise Broken("no ids")
        ids.frombytes(content)
        return ids.tolist()

    def _receive(self, longest: int, *expected: bytes) -> tuple[bytes, bytes]:
        kind, content = self._outside.receive(max(longest, _LONGEST_ERROR), *expected, ERROR)
        if kind == ERROR:
            raise self._error(content)
        if len(content) > longest:
            raise Broken(f"a frame {kind!r} of {len(content)} bytes")
        return kind, content

    def _error(self, content: bytes) -> InvalidInput:
        """Return the error that a helper reports.

        Without Landlock it could open any file of the worker's user, and its words are shown to the owner of
        the job. So none of them is passed on then but the name of one of Python's own exceptions.
        """
        try:
            reported = json.loads(content)
            if "message" in reported:
                return self._in_words(str(reported["message"]))
            kind = str(reported["kind"])[:60]
            known = self._is_trusted_with_words or isinstance(getattr(builtins, kind, None), type)
            return self._subject.refused(f"it makes its library fail ({kind if known else 'with an error'})")
        except (ValueError, RecursionError, LookupError, TypeError) as error:
            raise Broken("no error") from error

    def _in_words(self, message: str) -> InvalidInput:
        if self._is_trusted_with_words:
            return InvalidInput(message, field=self._subject.field)
        return self._subject.refused(
            "what is wrong with it is not told by a worker whose kernel lacks Landlock"
        )


class _TokenizerInside:
    """A tokenizer in a helper."""

    def __init__(self, helper: _Helper) -> None:
        self._helper = helper

    def __call__(self, text: str, *, verbose: bool) -> Mapping[str, list[int]]:
        return {"input_ids": self._helper.token_ids(text)}


def _reason(failed: HelperFailed, status: int, limits: Limits) -> str:
    """Say why a helper has not answered; `status` is how it ended."""
    if isinstance(failed, TooLate):
        return f"reading it takes more than {limits.wall_seconds:g} s"
    if isinstance(failed, Gone) and status == -signal.SIGXCPU:
        return f"reading it takes more than {limits.cpu_seconds} s of processor time"
    if isinstance(failed, Gone) and status == -signal.SIGKILL:
        return "the system killed the process that reads it (SIGKILL), as it does where memory runs out"
    if isinstance(failed, Gone) and status < 0:
        return f"it ends the process that reads it ({_name(-status)})"
    return "it keeps the process that reads it from answering"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
