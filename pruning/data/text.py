"""Documents of plain text, from a local file or a registered dataset, and their token ids."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pruning.errors import InvalidInput, is_panic
from pruning.files.formats import InvalidTextLine, text_of_line
from pruning.files.frozen_file import FrozenFile, freeze, freeze_by_content
from pruning.recipe import DATASETS, content_name, is_local, is_upload

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData


Purpose = Literal["calibration", "evaluation"]

PARAGRAPH_BREAK = "\n\n"


@dataclass(frozen=True)
class Source:
    """A dataset, the purpose of reading it, and the request's field that names it."""

    dataset: str
    purpose: Purpose
    field: str


class Tokenizer(Protocol):
    """The interface of a tokenizer of transformers, or of a proxy to one in another process."""

    def __call__(self, text: str, *, verbose: bool) -> Mapping[str, Any]:
        """Return `input_ids`, the ids of a text with the special tokens that the tokenizer adds by itself."""


def token_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """Return the ids of a whole text. Raises InvalidInput(field='model.id') if its Rust library panics."""
    try:
        ids: list[int] = tokenizer(text, verbose=False)["input_ids"]
    except BaseException as error:
        if not is_panic(error):
            raise
        raise InvalidInput(
            "the model's tokenizer failed on the text; its tokenizer.json is damaged or too slow",
            field="model.id",
        ) from error
    return ids


_MAX_BYTES = 2 * 2**30  # all documents of a dataset are held in memory
_MAX_LINE_BYTES = 8 * 2**20  # a JSON value takes tens of bytes in memory for each of its own

# In a parquet file of a kilobyte, a million rows can have the same long text.
_MAX_EXPANSION = 1000
_MIN_ALLOWED_CHARACTERS = 2**26
_MAX_CHUNK_BYTES = 2**30  # one column of one row group
_MAX_ROWS = 50_000_000


class Parse(Protocol):
    """Reads the documents of a file."""

    def __call__(self, file: FrozenFile, name: str, field: str) -> Iterable[str]:
        """`name` says the format, `field` names the file. See `parse_file`."""


def parse_in_process(file: FrozenFile, name: str, field: str) -> Iterator[str]:
    """Read the documents of a file in this process. Raises what `parse_file` raises."""
    with file.opened() as path:
        yield from parse_file(path, file.size, name, field)


def read_documents(
    source: Source, *, roots: Sequence[Path] | None = None, parse: Parse = parse_in_process
) -> Sequence[str]:
    """Read the documents of a dataset, in their order, none of them empty.

    A text without document boundaries (wikitext2, the built-in text, a .txt file) is one document. If a
    dataset has a training and a test split, calibration reads the former and evaluation the latter. `parse`
    reads local files.

    Raises, with the source's field, InvalidInput for a file that is outside of `roots`, too large, not of the
    format of its name, or without text, and for a Hub dataset that is not in the cache in offline
    mode; Unreachable if the Hub does not answer.
    """
    if is_upload(source.dataset):
        raise InvalidInput("only the service can read an upload; give a file's path", field=source.field)
    if (name := content_name(source.dataset)) is not None:
        by_content = freeze_by_content(name, roots, field=source.field)
        return _from_file(name, by_content, source.field, parse)
    if not is_local(source.dataset):
        read: Callable[[Source], Sequence[str]] = resolve_name(DATASETS[source.dataset])
        return read(source)
    path = Path(source.dataset)
    file = freeze(path, roots, field=source.field)
    return _from_file(path.name, file, source.field, parse)


def _from_file(name: str, file: FrozenFile, field: str, parse: Parse) -> list[str]:
    documents = list(parse(file, name, field))
    if not documents:
        raise InvalidInput(f"{name} holds no text", field=field)
    return documents


def parse_file(path: Path, size: int, name: str, field: str) -> Iterator[str]:
    """Yield the documents of a file of `size` bytes, without empty ones. Its `name` says the format.

    Raises InvalidInput with `field` for a file that is too large, or not of that format.
    """
    parse = _TEXTS.get(Path(name).suffix)
    if parse is None:
        raise InvalidInput(f"{name} is not a .txt, .jsonl, .parquet or .npy file", field=field)
    if size > _MAX_BYTES:
        raise InvalidInput(f"{name} is larger than {_MAX_BYTES} bytes, the limit", field=field)
    limit = min(_MAX_BYTES, max(_MIN_ALLOWED_CHARACTERS, _MAX_EXPANSION * size))
    characters = 0
    try:
        for document in parse(path):
            if document.strip():
                characters += len(document)
                if characters <= limit:
                    yield document
            if characters > limit:
                raise _UnusableFile(f" unpacks to more than {limit} characters, the limit for its size")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8 text ({error.reason})", field=field) from error
    except _UnusableFile as error:
        raise InvalidInput(f"{name}{error}", field=field) from error


class _UnusableFile(Exception):
    """A file cannot be used. The message follows the file's name."""


def _txt(path: Path) -> Iterator[str]:
    text = path.read_bytes().decode("utf-8-sig")
    if "\0" in text:
        raise _UnusableFile(" is not text: it contains NUL characters")
    yield text


def _jsonl(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE_BYTES + 1), b""), start=1):
            if len(line) > _MAX_LINE_BYTES:
                raise _UnusableFile(f", line {number}: longer than {_MAX_LINE_BYTES} bytes, the limit")
            try:
                text = text_of_line(line)
            except InvalidTextLine as error:
                raise _UnusableFile(f", line {number}: {error}") from error
            if text is not None:
                yield text


def _parquet(path: Path) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            if "text" not in file.schema_arrow.names:
                raise _UnusableFile(" has no column 'text'")
            kind = file.schema_arrow.field("text").type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise _UnusableFile(f" has a column 'text' of type {kind}; it must be string")
            _refuse_large_chunks(file.metadata)
        # As a dictionary, so that a text repeated by a million rows is decoded once.
        with pyarrow.parquet.ParquetFile(path, read_dictionary=["text"]) as file:
            for batch in file.iter_batches(batch_size=1024, columns=["text"]):
                texts: dict[int, str] = {}
                for index in batch.column(0).indices.to_pylist():
                    if index is not None:
                        if index not in texts:
                            texts[index] = batch.column(0).dictionary[index].as_py()
                        yield texts[index]
    except (pa.ArrowException, OSError) as error:
        raise _UnusableFile(" is not a readable parquet file") from error


def _refuse_large_chunks(metadata: "FileMetaData") -> None:
    """Check the sizes in a parquet file's footer, before data is read. Raises `_UnusableFile`."""
    if metadata.num_rows > _MAX_ROWS:
        raise _UnusableFile(f" has {metadata.num_rows} rows; the limit is {_MAX_ROWS}")
    total = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = (group.column(index) for index in range(group.num_columns))
        unpacked = sum(
            column.total_uncompressed_size for column in columns if column.path_in_schema == "text"
        )
        total += unpacked
        if not 0 <= unpacked <= _MAX_CHUNK_BYTES or total > _MAX_BYTES:
            raise _UnusableFile(
                f" unpacks to more than {_MAX_CHUNK_BYTES} bytes in a row group, or "
                f"{_MAX_BYTES} in all; write smaller row groups"
            )


_TEXTS: Mapping[str, Callable[[Path], Iterator[str]]] = {
    ".txt": _txt,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
