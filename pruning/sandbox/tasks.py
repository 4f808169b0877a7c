"""The tasks of a confined helper: read untrusted files, and send their contents as plain data.

Nothing here imports torch, so that the process from which helpers are forked is small.
"""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pruning.checkpoint.description import describe
from pruning.checkpoint.tokenizer import load_tokenizer
from pruning.data.text import parse_file, token_ids
from pruning.sandbox.confine import deny_writes
from pruning.sandbox.frames import END, IDS, TEXT, HelperConnection

Task = Callable[[Path, Mapping[str, Any], HelperConnection], None]
"""Takes the directory with links to the files, parameters of the task, and the connection."""


def send_description(directory: Path, about: Mapping[str, Any], connection: HelperConnection) -> None:
    """Describe the model in `directory`, which consists of the files `about["names"]`."""
    deny_writes()
    connection.send_json(asdict(describe(directory, about["names"])))


def send_documents(directory: Path, about: Mapping[str, Any], connection: HelperConnection) -> None:
    """Send the documents of the only file, one after the other."""
    deny_writes()
    path = directory / about["file"]
    for document in parse_file(path, about["size"], about["name"], about["field"]):
        connection.send(TEXT, document.encode())
    connection.send(END)


def send_token_ids(directory: Path, about: Mapping[str, Any], connection: HelperConnection) -> None:
    """Load the tokenizer of the model in `directory`, then answer each text with its ids, until EOFError."""
    tokenizer = load_tokenizer(directory, before_loading=deny_writes)
    connection.send(END)
    while True:
        connection.send(IDS, array("q", token_ids(tokenizer, connection.receive_text())).tobytes())


TASKS: Mapping[str, Task] = {
    "description": send_description,
    "documents": send_documents,
    "token ids": send_token_ids,
}
