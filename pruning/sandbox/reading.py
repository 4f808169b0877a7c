"""Reads untrusted files in this process, or in a confined one (`pruning.sandbox.sandbox`)."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from pruning.checkpoint.checkpoint import describe_here
from pruning.checkpoint.description import Description
from pruning.checkpoint.files import ModelFiles
from pruning.checkpoint.tokenizer import load_tokenizer
from pruning.data.text import Tokenizer, parse_here
from pruning.files.frozen_file import FrozenFile


class Reading(Protocol):
    """Reads files of models and texts. Whatever is wrong with them raises InvalidInput with the field."""

    def describe(self, files: ModelFiles, names: Collection[str]) -> Description:
        """Describe a model by its files other than the weights; `names` are those of all its files."""

    def tokenizer(self, files: ModelFiles) -> AbstractContextManager[Tokenizer]:
        """Load the tokenizer of a model, to be used in the body."""

    def documents(self, file: FrozenFile, name: str, field: str) -> Iterable[str]:
        """Read the documents of a text; see `pruning.data.text.Parse`."""


class ReadHere:
    """Reads them in this process, as a library or a command that one person runs."""

    def describe(self, files: ModelFiles, names: Collection[str]) -> Description:
        return describe_here(files, names)

    @contextmanager
    def tokenizer(self, files: ModelFiles) -> Iterator[Tokenizer]:
        with files.opened() as directory:
            tokenizer = load_tokenizer(directory)
        yield tokenizer

    def documents(self, file: FrozenFile, name: str, field: str) -> Iterable[str]:
        return parse_here(file, name, field)
