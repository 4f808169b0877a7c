"""Build the body of `POST /v1/jobs` from a recipe file and from options."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.options import quick as quick_fields
from cli.options.job_option import JobOption
from cli.terminal import CommandFailed, Exit, clean, err

_DEFAULT_METHOD = "gblm"
_NO_METHOD = "none"  # as the form calls it; a request leaves the method out
# `"model": "org/name"` is short for `"model": {"id": "org/name"}`, and so on.
_SHORTHANDS = {"model": "id", "method": "name", "allocation": "name"}


def request_body(
    recipe: Path | None, given: Mapping[JobOption, Any], *, quick: bool = False
) -> dict[str, Any]:
    """Return the JSON object of a recipe file with the fields that the options give.

    An option whose value is None was not given. The server validates the values, and names the field of each
    one that it rejects. Raises CommandFailed where the recipe has another value than an option.
    """
    body = _read(recipe) if recipe else {}
    for option, value in given.items():
        if value is not None:
            _Field(option, body, recipe).set(_directory(value) if option.field == "model.id" else value)
    if quick:
        _add_quick(body)
    return _with_method(body)


def given_fields(given: Mapping[JobOption, Any]) -> dict[str, Any]:
    """Return the part of a request that the options give, without the model."""
    body: dict[str, Any] = {}
    for option, value in given.items():
        if value is not None and option.field != "model.id":
            _Field(option, body, None).set(value)
    return body


class _Field:
    """The field of an option in a request."""

    def __init__(self, option: JobOption, body: dict[str, Any], recipe: Path | None) -> None:
        self._option = option
        self._body = body
        self._recipe = recipe

    def set(self, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Set the field, or some of its entries. Raises CommandFailed where it has another value."""
        *parents, last = self._option.field.split(".")
        place = self._body
        for parent in parents:
            place = self._object(place, parent)
        if self._option.merged:
            place, entries = self._object(place, last), dict(value)
        else:
            entries = {last: value}
        for name, entry in entries.items():
            if place.get(name) not in (None, entry):
                raise self._contradiction(name, entry, place[name])
            place[name] = entry

    def _object(self, place: dict[str, Any], name: str) -> dict[str, Any]:
        """Return the object in the field `name`, which is created, or spelt out from its shorthand."""
        value = place.get(name)
        if value is None:
            value = place[name] = {}
        elif not isinstance(value, dict):
            if name not in _SHORTHANDS:
                raise self._contradiction(name, "an object", value)
            value = place[name] = {_SHORTHANDS[name]: value}
        return value

    def _contradiction(self, name: str, typed: object, read: object) -> CommandFailed:
        option = f"--{self._option.name} {name}" if self._option.merged else f"--{self._option.name}"
        return CommandFailed(
            f"{option} contradicts the recipe {self._recipe}: {json.dumps(typed)} here, {json.dumps(read)} "
            f"there ({self._option.field}); leave out one of them",
            Exit.USAGE,
        )


def _add_quick(body: dict[str, Any]) -> None:
    """Add what `--quick` gives. Raises CommandFailed where the request has other values there."""
    for name, fields in quick_fields.FIELDS.items():
        place = body.setdefault(name, {})
        for field, value in fields.items():
            given = place.setdefault(field, value) if isinstance(place, dict) else place
            if given != value:
                raise CommandFailed(
                    f"--quick sets {name}.{field} to {json.dumps(value)}, and {json.dumps(given)} is given "
                    "as well: leave out one of them",
                    Exit.USAGE,
                )
    err.print(quick_fields.NOTE)


def _with_method(body: dict[str, Any]) -> dict[str, Any]:
    """Return the request with the default method, unless it masks nothing."""
    method = body.get("method")
    cuts = "structure" in body or "norms" in body
    if (method.get("name") if isinstance(method, dict) else method) == _NO_METHOD:
        if not cuts:
            raise CommandFailed(
                "--method none masks nothing: give by --structure what to take out, such as mlp_channels=25%",
                Exit.USAGE,
            )
        del body["method"]
    elif "method" in body or not cuts:
        method = body.setdefault("method", {})
        if isinstance(method, dict):
            method.setdefault("name", _DEFAULT_METHOD)
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


def _read(recipe: Path) -> dict[str, Any]:
    """Read a recipe: JSON, or YAML where PyYAML is installed."""
    try:
        text = sys.stdin.read() if str(recipe) == "-" else recipe.read_text(encoding="utf-8")
        body = _yaml(text) if recipe.suffix in (".yaml", ".yml") else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise CommandFailed(f"cannot read a recipe from {recipe}: {error}", Exit.USAGE) from error
    if not isinstance(body, dict):
        raise CommandFailed(f"{recipe} must hold one object, with the fields of POST /v1/jobs", Exit.USAGE)
    return body


def _yaml(text: str) -> Any:  # noqa: ANN401 - what YAML holds
    """Read YAML. Raises ValueError for text that is none, or has aliases: a few lines can be gigabytes."""
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise CommandFailed(
            "a recipe in YAML needs PyYAML: pip install pyyaml, or write JSON", Exit.USAGE
        ) from error
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise ValueError("it has an alias such as *name: write the value out")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
