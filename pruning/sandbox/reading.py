"""Reads untrusted files in this process, or in a confined one (`pruning.sandbox.sandbox`)."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from pruning.checkpoint.checkpoint import describe_in_process
from pruning.checkpoint.description import Description
from pruning.checkpoint.files import ModelFiles
from pruning.checkpoint.tokenizer import load_tokenizer
from pruning.data.text import Tokenizer, parse_in_process
from pruning.files.frozen_file import FrozenFile


class UntrustedReader(Protocol):
    """Reads files of models and texts. Invalid files raise InvalidInput with the field."""

    @property
    def all_layers(self) -> bool:
        """Whether helpers run only where the kernel confines them in every way."""

    @property
    def job_memory_bytes(self) -> int | None:
        """What the processes of a job may hold together; None: what the machine has."""

    def describe(self, files: ModelFiles, names: Collection[str]) -> Description:
        """Describe a model by its files other than the weights; `names` are those of all its files."""

    def tokenizer(self, files: ModelFiles) -> AbstractContextManager[Tokenizer]:
        """Load the tokenizer of a model, to be used in the body."""

    def documents(self, file: FrozenFile, name: str, field: str) -> Iterable[str]:
        """Read the documents of a text; see `pruning.data.text.Parse`."""


class InProcessReader:
    """Reads them in this process, for the library and the command."""

    all_layers = False
    job_memory_bytes = None

    def describe(self, files: ModelFiles, names: Collection[str]) -> Description:
        return describe_in_process(files, names)

    @contextmanager
    def tokenizer(self, files: ModelFiles) -> Iterator[Tokenizer]:
        with files.opened() as directory:
            tokenizer = load_tokenizer(directory)
        yield tokenizer

    def documents(self, file: FrozenFile, name: str, field: str) -> Iterable[str]:
        return parse_in_process(file, name, field)
