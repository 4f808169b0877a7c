"""The files of a model: which ones belong to it, how large they may be, and the frozen ones that a run uses.

The files of a run are frozen when the model is resolved: none is listed, or found by its path, afterwards.
"""

import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from pruning.errors import InvalidInput
from pruning.files.frozen_file import TOO_MANY_OPEN_ERRNOS, FrozenFile, freeze, is_of_the_machine

_MIB = 1024 * 1024
_MAX_BYTES = (
    ("config.json", _MIB),
    ("generation_config.json", _MIB),
    ("*processor_config.json", _MIB),
    ("tokenizer_config.json", 8 * _MIB),
    ("README.md", 4 * _MIB),
    ("LICENSE*", 4 * _MIB),
    ("NOTICE*", 4 * _MIB),
    ("USE_POLICY*", 4 * _MIB),
    ("*.jinja", 4 * _MIB),
    ("chat_template.json", 4 * _MIB),
    ("special_tokens_map.json", 4 * _MIB),
    ("*.safetensors.index.json", 64 * _MIB),
)
_MAX_TOKENIZER_BYTES = 128 * _MIB  # the largest known ones are below 40 MiB
_MAX_COMPANIONS = 100  # models have about ten; a process opens all of them at once


def refuse_oversized(name: str, size: int | None) -> None:
    """Raise InvalidInput(field='model.id') for a file other than the weights that has too many bytes.

    `size` counts the bytes that a reader gets, so a sparse file counts in full. None is unknown.
    """
    limit = next((limit for pattern, limit in _MAX_BYTES if fnmatch(name, pattern)), _MAX_TOKENIZER_BYTES)
    if size is not None and size > limit:
        raise InvalidInput(
            f"{name} of the model has {size} bytes, and {limit} are allowed; remove or shorten it",
            field="model.id",
        )


def refuse_too_many_files(files: Sized) -> None:
    """Raise InvalidInput(field='model.id') for too many files other than the weights."""
    if len(files) > _MAX_COMPANIONS:
        raise InvalidInput(
            f"the model has {len(files)} configs, tokenizer files and licences in addition to its "
            f"weights, and {_MAX_COMPANIONS} are allowed; remove those that it does not need",
            field="model.id",
        )


CONFIG = "config.json"
GENERATION_CONFIG = "generation_config.json"
WEIGHTS = ".safetensors"
SINGLE_FILE = "model.safetensors"
INDEX = "model.safetensors.index.json"

# What a pruned model needs in addition to its weights; copied from the dense model.
COMPANIONS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
    "*.tiktoken",
    "tekken.json",
    "chat_template.jinja",
    "chat_template.json",
    "processor_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "additional_chat_templates/*.jinja",
    "LICENSE*",
    "NOTICE*",
    "USE_POLICY*",
)
MODEL_CARD = "README.md"

# By these entries of a config, at any depth, transformers loads code: a kernel from the Hub, a module from
# the model's repository, or a patch of its own classes that applies to every later model of the process.
_CODE_SELECTING_KEYS = frozenset(
    {
        *("attn_implementation", "_attn_implementation", "_attn_implementation_internal"),
        *("experts_implementation", "_experts_implementation", "_experts_implementation_internal"),
        *("auto_map", "custom_pipelines", "custom_generate"),
        *("fusion_config", "kernel_config", "use_kernels"),
    }
)
CONFIGS = (
    CONFIG,
    GENERATION_CONFIG,
    "tokenizer_config.json",
    "processor_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
)

_PICKLES = ("*.bin", "*.pth", "*.pt", "*.ckpt")


def all_files(directory: Path) -> tuple[str, ...]:
    """List the files below a directory by relative name, sorted."""
    return tuple(
        sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    )


def companions(names: Collection[str]) -> tuple[str, ...]:
    """Return the files that are not weights: configs, tokenizer, licences, index and model card."""
    wanted = (*COMPANIONS, INDEX, MODEL_CARD)
    return tuple(name for name in names if any(fnmatch(name, pattern) for pattern in wanted))


def weight_files(directory: Path, names: Collection[str]) -> tuple[str, ...]:
    """Return the safetensors files among `names` that transformers would load.

    An index must be in `directory` already. Raises InvalidInput(field='model.id') if there are none, and says
    what there is instead.
    """
    if SINGLE_FILE in names:
        return (SINGLE_FILE,)
    if INDEX in names:
        return _indexed_files(directory, names)
    if any(fnmatch(name, pattern) for pattern in _PICKLES for name in names):
        raise InvalidInput(
            "the weights of the model are pickles only, which can run code when they are opened; "
            "convert it to safetensors first (load it on a machine where you trust it, then save_pretrained)",
            field="model.id",
        )
    raise InvalidInput(
        f"the model has no readable weights: neither {SINGLE_FILE} nor {INDEX}", field="model.id"
    )


def _indexed_files(directory: Path, names: Collection[str]) -> tuple[str, ...]:
    weight_map = read_json(directory / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise InvalidInput(f"{INDEX} has no weight_map; download the model again", field="model.id")
    indexed = sorted({str(name) for name in weight_map.values()})
    for name in indexed:
        if Path(name).name != name or not name.endswith(WEIGHTS):
            raise InvalidInput(
                f"{INDEX} names a file that is not a .safetensors file in its own directory",
                field="model.id",
            )
        if companions([name]):
            raise InvalidInput(
                f"{INDEX} names {name}, which counts as a licence; rename it", field="model.id"
            )
        if name not in names:
            raise damaged_file_error(name)
    return tuple(indexed)


def damaged_file_error(name: str) -> InvalidInput:
    """Return the error of a weight file that cannot be read."""
    return InvalidInput(
        f"{name} is missing, truncated or not a safetensors file; download the model again", field="model.id"
    )


def without_code(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a config without the entries that select code, at any depth."""
    found: dict[str, Any] = json.loads(
        json.dumps(config),
        object_hook=lambda entries: {
            key: value for key, value in entries.items() if key not in _CODE_SELECTING_KEYS
        },
    )
    return found


def copy_companion(source: Path, destination: Path) -> None:
    """Copy a file of a model byte for byte; a config loses the entries that select code.

    Raises InvalidInput(field='model.id') for a config that is not a JSON object.
    """
    shutil.copyfile(source, destination)
    if destination.name in CONFIGS:
        content = read_json(destination)
        if (kept := without_code(content)) != content:
            destination.write_text(json.dumps(kept, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises InvalidInput(field='model.id') for anything else.

    Raises OSError where the machine fails.
    """
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        if is_of_the_machine(error):
            raise
        raise InvalidInput(
            f"{path.name} cannot be read as JSON; download the model again", field="model.id"
        ) from error
    if not isinstance(content, dict):
        raise InvalidInput(f"{path.name} is not a JSON object", field="model.id")
    return content


_FIELD = "model.id"
_SHA256 = re.compile("[0-9a-f]{64}")
_SPARE = 32  # descriptors that the libraries need in addition to those of a model


@dataclass(frozen=True)
class ModelFiles:
    """Frozen files, each under its name relative to the model's directory."""

    files: tuple[FrozenFile, ...]
    scratch: Path | None = None
    """Directory for private temporary directories; None: the system's."""

    @classmethod
    def freeze(cls, directory: Path, names: Iterable[str], roots: Sequence[Path] | None) -> Self:
        """Freeze these files in a directory, by their real paths below `roots`.

        Raises InvalidInput(field='model.id') for one that is not a readable file there.
        """
        return cls(tuple(freeze(directory / name, roots, field=_FIELD, name=name) for name in names))

    def __add__(self, other: Self) -> Self:
        return replace(self, files=(*self.files, *other.files))

    def named(self, names: Iterable[str]) -> Self:
        """Return those with these names, in their order here."""
        wanted = frozenset(names)
        return replace(self, files=tuple(file for file in self.files if file.name in wanted))

    def without(self, names: Iterable[str]) -> Self:
        """Return those with other names, in their order here."""
        return self.named({file.name for file in self.files} - {*names})

    def hashed(self, *, trust_blob_names: bool) -> Self:
        """Return the files with their SHA-256.

        `trust_blob_names`: in the Hub's cache, a large file is named by the SHA-256 that the Hub declares.
        Such a file is not read here; its digest is verified before the run ends.
        """
        return replace(
            self,
            files=tuple(
                replace(file, sha256=file.path.name)
                if trust_blob_names and _SHA256.fullmatch(file.path.name)
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

    def copy_to(self, directory: Path) -> None:
        """Copy the files under their names, as `copy_companion` does.

        Raises InvalidInput(field='model.id') with the name of one that has changed since it was frozen.
        """
        for file in self.files:
            (directory / file.name).parent.mkdir(parents=True, exist_ok=True)
            with file.opened() as path:
                copy_companion(path, directory / file.name)

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """Open all files, and yield a private directory with a link to each open descriptor.

        transformers, tokenizers and safetensors open files by their paths. Through these links they open
        the frozen inodes, and find no other file. Raises InvalidInput(field='model.id') for a file that has
        changed, before the body or during it, and where they leave too few descriptors for the body.
        """
        with (
            TemporaryDirectory(prefix="pruneserve-model-", dir=self.scratch) as name,
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
        """Raise InvalidInput if too few descriptors are left: libraries fail obscurely without any."""
        spare: list[int] = []
        try:
            while len(spare) < _SPARE:
                spare.append(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            if self.files and error.errno in TOO_MANY_OPEN_ERRNOS:
                raise self.files[-1].too_many_open_files_error() from error
            raise
        finally:
            for descriptor in spare:
                os.close(descriptor)
