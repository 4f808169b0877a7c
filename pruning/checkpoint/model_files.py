"""The files of one model, frozen when it was resolved: none is listed, or found by its path, afterwards."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from pruning.files.allowed_roots import freeze
from pruning.files.frozen_file import TOO_MANY_OPEN, FrozenFile

_FIELD = "model.id"
_SHA256 = re.compile("[0-9a-f]{64}")
_SPARE = 32  # descriptors that the libraries need in addition to those of a model


@dataclass(frozen=True)
class ModelFiles:
    """Frozen files, each under its name relative to the model's directory."""

    files: tuple[FrozenFile, ...]
    links_in: Path | None = None
    """Where private directories are made; None: where the system keeps temporary files."""

    @classmethod
    def freeze(cls, directory: Path, names: Iterable[str], roots: Sequence[Path] | None) -> Self:
        """Freeze these files in a directory, by their real paths below `roots`.

        Raises InvalidInput(field='model.id') for one that is no readable file there.
        """
        return cls(tuple(freeze(directory / name, roots, field=_FIELD, name=name) for name in names))

    def __add__(self, other: Self) -> Self:
        return replace(self, files=(*self.files, *other.files))

    def named(self, names: Iterable[str]) -> Self:
        """Return those with these names, in their order here."""
        wanted = frozenset(names)
        return replace(self, files=tuple(file for file in self.files if file.name in wanted))

    def hashed(self, *, by_hub: bool) -> Self:
        """Return the files with their SHA-256.

        `by_hub`: in the Hub's cache, a large file is named by the SHA-256 that the Hub declares. Such a file
        is not read here; that it has this digest is proven before the run ends.
        """
        return replace(
            self,
            files=tuple(
                replace(file, sha256=file.path.name)
                if by_hub and _SHA256.fullmatch(file.path.name)
                else file.hashed()
                for file in self.files
            ),
        )

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents: "sha256:" and 64 hex digits. The path plays no part."""
        listed = (f"{file.sha256}  {file.name}\n" for file in sorted(self.files, key=lambda file: file.name))
        return f"sha256:{sha256(''.join(listed).encode()).hexdigest()}"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """Open all files, and yield a private directory with a link to each open descriptor.

        transformers, tokenizers and safetensors open files by their paths. Through these links they open
        the frozen inodes, and find no other file. Raises InvalidInput(field='model.id') for a file that has
        changed, before the body or during it, and where they leave too few descriptors for the body.
        """
        with (
            TemporaryDirectory(prefix="pruneserve-model-", dir=self.links_in) as name,
            ExitStack() as descriptors,
        ):
            directory = Path(name)
            for file in self.files:
                link = directory / file.name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(descriptors.enter_context(file.opened()))
            self._refuse_without_spare_descriptors()
            yield directory

    def _refuse_without_spare_descriptors(self) -> None:
        """A library that finds none free fails as on a broken machine; what took them all is these files."""
        spare: list[int] = []
        try:
            while len(spare) < _SPARE:
                spare.append(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            if self.files and error.errno in TOO_MANY_OPEN:
                raise self.files[-1].too_many_open_files() from error
            raise
        finally:
            for descriptor in spare:
                os.close(descriptor)
