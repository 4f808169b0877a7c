"""Texts of this machine that a request names: they are uploaded, and the request names the uploads.

A command line may name any file. A recipe may be untrusted, such as that of a pull request:
what it names must be a text in the working directory, and no link.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.terminal import CommandFailed, Exit, clean, err
from pruneserve_client import Client

_SUFFIXES = (".txt", ".jsonl")


def upload_texts(
    client: Client, body: dict[str, Any], typed: dict[str, Any], *, patience: float = 0.0
) -> None:
    """Upload each text that the request names by a relative path, and put the upload's name in its place.

    Every other name is the server's: `c4`, an `upload:<id>`, or an absolute path on its machine. `typed`: the
    part of the request that the command line has given; its names are trusted. Raises CommandFailed for a
    file that cannot be read, and for one that only a recipe names and that may be none of its texts.
    """
    trusted = {place[key] for place, key in _places(typed) if isinstance(place[key], str)}
    uploaded: dict[Path, str] = {}
    for place, key in _local_texts(body):
        file = Path(place[key])
        if place[key] not in trusted:
            _refuse_outside_directory(file)
        if file not in uploaded:
            uploaded[file] = _upload(client, file, patience)
        place[key] = uploaded[file]


def refuse_texts(body: dict[str, Any]) -> None:
    """Raise CommandFailed for a text of this machine, where the command sends nothing but the request."""
    for place, key in _local_texts(body):
        raise CommandFailed(
            f"an estimate uploads nothing, and {place[key]} is a file of this machine: upload it by "
            f"`pruneserve tools uploads add`, and name the upload:ID that it prints",
            Exit.USAGE,
        )


def _local_texts(body: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each object or list of the request that names a text of this machine, and where it does."""
    for place, key in _places(body):
        if isinstance(place[key], str) and _is_local(place[key]):
            yield place, key


def _places(body: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each object or list of the request that names a text, and the key or index where it does."""
    calibration, evaluation = (_object(body, name) for name in ("calibration", "evaluation"))
    mixed = calibration.get("datasets")
    named = [calibration, evaluation, _object(_object(body, "recovery"), "distil")]
    named += [one for one in mixed if isinstance(one, dict)] if isinstance(mixed, list) else []
    yield from ((place, "dataset") for place in named if "dataset" in place)
    further = evaluation.get("further_datasets")
    yield from ((further, index) for index in range(len(further))) if isinstance(further, list) else ()


def _object(place: dict[str, Any], name: str) -> dict[str, Any]:
    value = place.get(name)
    return value if isinstance(value, dict) else {}


def _is_local(name: str) -> bool:
    if name.startswith(("./", "../")):
        return True
    # A file that only happens to be called as a dataset is none that the request means.
    path = Path(name)
    return path.suffix in _SUFFIXES and not path.is_absolute() and path.is_file()


def _refuse_outside_directory(file: Path) -> None:
    here = Path.cwd().resolve()
    whole = Path(os.path.normpath(here / file))
    # A link, of the file or of a directory above it, leads to another path than the one written.
    if file.suffix not in _SUFFIXES or not whole.is_relative_to(here) or whole.resolve() != whole:
        raise CommandFailed(
            f"the recipe names {file}: a text that is named there must be a .txt or .jsonl file in the "
            "working directory, and no link; where you trust it, name it by an option such as --calibration",
            Exit.USAGE,
        )


def _upload(client: Client, file: Path, patience: float) -> str:
    if file.exists() and not file.is_file():
        raise CommandFailed(f"cannot read {file}: it is no regular file", Exit.USAGE)
    try:
        upload = client.upload(file, patience=patience)
    except OSError as error:
        raise CommandFailed(f"cannot read {file}: {error}", Exit.USAGE) from error
    err.print(f"{clean(file)} is uploaded as {clean(upload.dataset)}")
    return upload.dataset
