"""Build the body of `POST /v1/jobs` from a file and from options."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.options.job_option import JobOption
from cli.terminal import CommandFailed, Exit, clean, err

_DEFAULT_METHOD = "gblm"
_NO_METHOD = "none"  # as the form calls it; a request leaves the method out
# `"model": "org/name"` is short for `"model": {"id": "org/name"}`, and so on.
_SHORTHANDS = {"model": "id", "method": "name", "allocation": "name"}


def request_body(file: Path | None, given: Mapping[JobOption, Any]) -> dict[str, Any]:
    """Return the file's JSON object with the given options in place of its fields.

    An option whose value is None was not given. The server validates the values, and names the field of each
    one that it rejects.
    """
    body = changes(file, given)
    if _method_of(body) == _NO_METHOD:
        if "structure" not in body and "norms" not in body:
            raise CommandFailed(
                "--method none masks nothing: say by --structure what to take out, such as mlp_channels=0.25",
                Exit.USAGE,
            )
        del body["method"]
    if "method" not in body and ("structure" in body or "norms" in body):
        return body  # units are taken out or gradients are computed, and nothing is masked
    method = body.setdefault("method", {})
    if isinstance(method, dict):
        method.setdefault("name", _DEFAULT_METHOD)
    return body


def _method_of(body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    method = body.get("method")
    return method.get("name") if isinstance(method, dict) else method


def changes(file: Path | None, given: Mapping[JobOption, Any]) -> dict[str, Any]:
    """Return what `request_body` does, without the default of the method: changes of another request."""
    body = _read(file) if file else {}
    for option, value in given.items():
        if value is not None:
            _set(body, option, _directory(value) if option.field == "model.id" else option.value(value))
    return body


def _directory(model: str) -> str:
    """Return the absolute path of a directory on this machine; a Hub id, say, as it is."""
    path = Path(model)
    if path.is_absolute():
        return model
    if not path.is_dir():
        if model.startswith((".", "~")):  # no Hub id begins so
            raise CommandFailed(
                f"--model {model}: there is no such directory here ({path.expanduser().resolve()}). Give the "
                "path of a model's directory, or a Hub id such as org/name",
                Exit.USAGE,
            )
        return model
    err.print(f"{clean(model)} is a directory here: the job names {clean(path.resolve())}")
    return str(path.resolve())


def _set(body: dict[str, Any], option: JobOption, value: Any) -> None:  # noqa: ANN401 - any JSON
    *parents, last = option.field.split(".")
    for parent in parents:
        body = _object(body, parent)
    if option.merged:
        _object(body, last).update(value)
    else:
        body[last] = value


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object in the field `name`, which is created, or spelt out from its shorthand."""
    value = body.get(name)
    if not isinstance(value, dict):
        value = body[name] = {_SHORTHANDS[name]: value} if name in _SHORTHANDS and value else {}
    return value


def _read(file: Path) -> dict[str, Any]:
    try:
        body = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"cannot read a job from {file}: {error}", Exit.USAGE) from error
    if not isinstance(body, dict):
        raise CommandFailed(f"{file} must hold a JSON object", Exit.USAGE)
    return body
