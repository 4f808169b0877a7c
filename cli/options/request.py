"""Build the body of `POST /v1/jobs` from a file and from options."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.terminal import CommandFailed, Exit

_DEFAULT_METHOD = "gblm"


def request_body(
    file: Path | None,
    fields: Mapping[str, Any],
    method: str | None,
    options: Sequence[str],
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """Return the file's JSON object with the options in place of its fields.

    `fields` maps dotted field names of the body to values; None means that the option was not given. The
    server validates the values, and names the field of each one that it rejects.
    """
    body = _read(file) if file else {}
    for name, value in fields.items():
        if value is not None:
            _set(body, name, value)
    body["method"] = method or body.get("method", _DEFAULT_METHOD)
    if options:
        named = body["method"]
        body["method"] = ({"name": named} if isinstance(named, str) else dict(named)) | dict(
            map(_option, options)
        )
    if labels:
        body["labels"] = body.get("labels", {}) | labels
    return body


def _set(body: dict[str, Any], dotted: str, value: object) -> None:
    *parents, last = dotted.split(".")
    for parent in parents:
        inner = body.setdefault(parent, {})
        # "model": "org/name" is short for {"id": "org/name"}.
        if isinstance(inner, str):
            inner = body[parent] = {"id": inner}
        body = inner
    body[last] = value


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CommandFailed(f"write an option of the method as NAME=VALUE, not {text!r}", Exit.USAGE)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _read(file: Path) -> dict[str, Any]:
    try:
        body = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"cannot read a job from {file}: {error}", Exit.USAGE) from error
    if not isinstance(body, dict):
        raise CommandFailed(f"{file} must hold a JSON object", Exit.USAGE)
    return body
