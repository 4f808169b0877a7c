"""Texts of this machine that a request names: they are uploaded, and the request names the uploads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.terminal import CommandFailed, Exit, clean, err
from pruneserve_client import Client

_SUFFIXES = (".txt", ".jsonl")


def upload_texts(client: Client, body: dict[str, Any], *, patience: float = 0.0) -> None:
    """Upload each text that the request names by a relative path, and put the upload's name in its place.

    Every other name is the server's: `c4`, an `upload:<id>`, or an absolute path on its machine.
    """
    uploaded: dict[Path, str] = {}
    for place, key in _places(body):
        name = place[key]
        if isinstance(name, str) and _is_here(name):
            file = Path(name)
            if file not in uploaded:
                uploaded[file] = _upload(client, file, patience)
            place[key] = uploaded[file]


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


def _is_here(name: str) -> bool:
    if name.startswith(("./", "../")):
        return True
    # A file that only happens to be called as a dataset is none that the request means.
    path = Path(name)
    return path.suffix in _SUFFIXES and not path.is_absolute() and path.is_file()


def _upload(client: Client, file: Path, patience: float) -> str:
    try:
        upload = client.upload(file, patience=patience)
    except OSError as error:
        raise CommandFailed(f"cannot read {file}: {error}", Exit.USAGE) from error
    err.print(f"{clean(file)} is uploaded as {clean(upload.dataset)}")
    return upload.dataset
