"""Documents of plain text, from a dataset reference: a local file, a Hub dataset, or the built-in text."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from pruning.allowed_roots import file_by_content, real_file
from pruning.errors import InvalidInput, Unreachable
from pruning.recipe import BUILTIN, content_name, is_local, is_upload

Purpose = Literal["calibration", "evaluation"]

PARAGRAPH_BREAK = "\n\n"

_MAX_BYTES = 2 * 2**30  # all documents of a dataset are held in memory

# The reference reads so many of C4's validation documents and leaves the other 44 thousand.
_C4_EVALUATION_DOCUMENTS = 1100


@dataclass(frozen=True)
class Source:
    """A dataset, what it is read for, and the field of the request that names it."""

    dataset: str
    purpose: Purpose
    field: str


def read_documents(source: Source, *, roots: Sequence[Path] | None = None) -> Sequence[str]:
    """The documents of a dataset, in their order, none of them empty.

    A text without document borders (wikitext2, the built-in text, a .txt file) is one document. Where a
    dataset has parts for training and for testing, calibration reads the former and evaluation the latter.

    Raises, with the source's field, InvalidInput for a file that lies outside `roots`, is too large, is not
    what its name says, or holds no text, and for a dataset of the Hub that offline mode does not find in the
    cache; Unreachable where the Hub does not answer.
    """
    if source.dataset == BUILTIN:
        return [_builtin(source.purpose)]
    if is_upload(source.dataset):
        raise InvalidInput("an upload's id means something to the service only", field=source.field)
    if (name := content_name(source.dataset)) is not None:
        return _from_file(Path(name), file_by_content(name, roots, field=source.field), source.field)
    if not is_local(source.dataset):
        return _from_hub(source)
    path = Path(source.dataset)
    return _from_file(path, real_file(path, roots, field=source.field), source.field)


def _from_file(named: Path, real: Path, field: str) -> list[str]:
    """The documents in the file `real`, which the recipe calls `named`: its ending says what it is."""
    parse = {".txt": _txt, ".jsonl": _jsonl, ".parquet": _parquet}.get(named.suffix)
    if parse is None:
        raise InvalidInput(f"{named.name} is not a .txt, .jsonl, .parquet or .npy file", field=field)
    if real.stat().st_size > _MAX_BYTES:
        raise InvalidInput(
            f"{named.name} is larger than {_MAX_BYTES} bytes, the most that is read", field=field
        )
    documents, characters = [], 0
    try:
        for document in parse(real):
            if document.strip():
                documents.append(document)
                characters += len(document)
            if characters > _MAX_BYTES:  # a small compressed file can hold a large text
                raise _NotText(f" unpacks to more than {_MAX_BYTES} characters, the most that is read")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{named.name} is not UTF-8 text ({error.reason})", field=field) from error
    except _NotText as error:
        raise InvalidInput(f"{named.name}{error}", field=field) from error
    if not documents:
        raise InvalidInput(f"{named.name} holds no text", field=field)
    return documents


class _NotText(Exception):
    """A file cannot be used; the message ends a sentence that begins with its name."""


def _txt(path: Path) -> Iterator[str]:
    text = path.read_bytes().decode("utf-8-sig")
    if "\0" in text:
        raise _NotText(" is not text: it contains NUL characters")
    yield text


def _jsonl(path: Path) -> Iterator[str]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.isspace():
                continue
            try:
                record = json.loads(line)
            except UnicodeDecodeError:
                raise
            except (ValueError, RecursionError) as error:
                raise _NotText(f", line {number}: not a JSON value") from error
            if not isinstance(record, dict) or not isinstance(record.get("text"), str):
                raise _NotText(f", line {number}: not an object with a string field 'text'")
            if not _is_unicode(record["text"]):
                raise _NotText(f", line {number}: the text holds half of a surrogate pair")
            yield record["text"]


def _is_unicode(text: str) -> bool:
    """JSON can spell code points that no text has, and tokenizers refuse them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parquet(path: Path) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            if "text" not in file.schema_arrow.names:
                raise _NotText(" has no column 'text'")
            kind = file.schema_arrow.field("text").type
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise _NotText(f" has a column 'text' of type {kind}; it must be string")
            for batch in file.iter_batches(batch_size=1024, columns=["text"]):
                yield from (text for text in batch.column(0).to_pylist() if text is not None)
    except (pa.ArrowException, OSError) as error:
        raise _NotText(" is not a readable parquet file") from error


def _from_hub(source: Source) -> Sequence[str]:
    from datasets import load_dataset
    from huggingface_hub import constants

    dataset, purpose = source.dataset, source.purpose
    split = {"calibration": "train", "evaluation": "validation" if dataset == "c4" else "test"}[purpose]
    shard = {
        "train": "en/c4-train.00000-of-01024.json.gz",
        "validation": "en/c4-validation.00000-of-00008.json.gz",
    }
    try:
        if dataset == "wikitext2":
            rows = load_dataset("Salesforce/wikitext", "wikitext-2-raw-v1", split=split, token=False)
            return [PARAGRAPH_BREAK.join(rows["text"])]
        rows = load_dataset(
            "allenai/c4",
            "en",
            data_files={split: shard[split]},
            split=split,
            token=False,
            verification_mode="no_checks",  # the dataset declares the size of all shards; this is one
        )
    except Exception as error:  # each library between here and the network has exceptions of its own
        if constants.HF_HUB_OFFLINE:  # this process stays offline, so trying again gives the same answer
            raise InvalidInput(
                f"the dataset {dataset} is not in the cache, and offline mode (HF_HUB_OFFLINE) forbids to "
                f"download it; download it first, or give the path of a local file, or '{BUILTIN}'",
                field=source.field,
            ) from error
        raise Unreachable(
            f"the dataset {dataset} could not be loaded from the Hugging Face Hub ({type(error).__name__}); "
            f"check the network, or give the path of a local file, or '{BUILTIN}'",
            field=source.field,
        ) from error
    texts: Sequence[str] = rows["text"]
    return list(islice(texts, _C4_EVALUATION_DOCUMENTS)) if purpose == "evaluation" else texts


def _builtin(purpose: Purpose) -> str:
    """Prose about Python from the standard library's help topics: offline, and fixed for a version of Python.

    Topics quote each other, so a paragraph counts where it first occurs: the two purposes share none.
    """
    from pydoc_data.topics import topics

    seen: set[str] = set()
    chosen: list[str] = []
    for number, name in enumerate(sorted(topics)):
        for paragraph in re.split(r"\n\s*\n", topics[name]):
            text = re.sub(r" [*=~^-]{3,}$", "", " ".join(paragraph.split()))  # without a title's underline
            if "::=" in text or text in seen:  # a grammar rule is no prose
                continue
            seen.add(text)
            if (number % 3 == 0) == (purpose == "evaluation"):
                chosen.append(text)
    return PARAGRAPH_BREAK.join(chosen)
