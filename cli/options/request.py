"""Build the body of `POST /v1/jobs` from a recipe file, options, and texts of this machine.

Texts are uploaded, and the request names the uploads. A command line may name any file. A recipe may be
untrusted, such as that of a pull request: what it names must be a text in the working directory, and no link.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cli.options.values import JobOption
from cli.terminal import CommandFailed, Exit, clean, err
from pruneserve_client.models import JobDetail, UploadItem
from pruneserve_client.user_input import QUICK

# The variables that identify one attempt of one CI job. GitLab gives a retried job a new id.
_ATTEMPT_VARIABLES = {
    "GITHUB_ACTIONS": (
        "GITHUB_SERVER_URL",
        "GITHUB_REPOSITORY",
        "GITHUB_SHA",
        "GITHUB_RUN_ID",
        "GITHUB_RUN_ATTEMPT",
        "GITHUB_JOB",
        "GITHUB_ACTION",
    ),
    "GITLAB_CI": ("CI_SERVER_URL", "CI_PROJECT_PATH", "CI_COMMIT_SHA", "CI_JOB_ID"),
}


def idempotency_key(environment: Mapping[str, str], body: Mapping[str, Any]) -> str | None:
    """Return a key that is the same for the same request in the same CI attempt; None outside of CI."""
    for system, names in _ATTEMPT_VARIABLES.items():
        if environment.get(system) == "true":
            values = [environment.get(name, "") for name in names]
            return "ci-" + hashlib.sha256(json.dumps([system, values, body]).encode()).hexdigest()
    return None


QUICK_NOTE = (
    f"quick: {QUICK['calibration']['samples']} windows of {QUICK['calibration']['sequence_length']} tokens "
    "of the built-in text; not comparable with perplexities on WikiText-2 or any other text"
)


def is_quick(job: JobDetail) -> bool:
    """Whether a job is measured on what `--quick` gives, however it was submitted."""
    asked = {"calibration": job.spec.calibration, "evaluation": job.spec.evaluation}
    given = ((asked[part], name, value) for part, fields in QUICK.items() for name, value in fields.items())
    return all(getattr(place, name, None) == value for place, name, value in given)


_SUFFIXES = (".txt", ".jsonl")


def upload_texts(body: dict[str, Any], upload: Callable[[Path], UploadItem]) -> None:
    """Upload each text that the request names by a relative path, and put the upload's name in its place.

    Every other name is the server's: `c4`, an `upload:<id>`, or an absolute path on its machine. Raises
    CommandFailed for a file that cannot be read.
    """
    uploaded: dict[Path, str] = {}
    for place, key in _local_texts(body):
        file = Path(place[key])
        if file not in uploaded:
            uploaded[file] = _upload(file, upload)
        place[key] = uploaded[file]


def refuse_strange_texts(body: dict[str, Any], typed: dict[str, Any]) -> None:
    """Raise CommandFailed for a file that only a recipe names and that may be none of its texts.

    `typed`: the part of the request that the command line has given; its names are trusted.
    """
    trusted = {place[key] for place, key in _text_fields(typed) if isinstance(place[key], str)}
    for place, key in _local_texts(body):
        if place[key] not in trusted:
            _refuse_outside_directory(Path(place[key]))


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
    for place, key in _text_fields(body):
        if isinstance(place[key], str) and _is_local(place[key]):
            yield place, key


def _text_fields(body: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each object or list of the request that names a text, and the key or index where it does."""
    calibration, evaluation = (_object_in(body, name) for name in ("calibration", "evaluation"))
    mixed = calibration.get("datasets")
    named = [calibration, evaluation, _object_in(_object_in(body, "recovery"), "distil")]
    named += [one for one in mixed if isinstance(one, dict)] if isinstance(mixed, list) else []
    yield from ((place, "dataset") for place in named if "dataset" in place)
    domains = _object_in(evaluation, "domains")
    yield from ((domains, name) for name in domains)


def _object_in(place: dict[str, Any], name: str) -> dict[str, Any]:
    value = place.get(name)
    return value if isinstance(value, dict) else {}


def _is_local(name: str) -> bool:
    if name.startswith(("./", "../")):
        return True
    # A file that only happens to be called as a dataset is none that the request means.
    path = Path(name)
    return path.suffix in _SUFFIXES and not path.is_absolute()


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


def _upload(file: Path, upload: Callable[[Path], UploadItem]) -> str:
    if file.exists() and not file.is_file():
        raise CommandFailed(f"cannot read {file}: it is not a regular file", Exit.USAGE)
    try:
        item = upload(file)
    except OSError as error:
        raise CommandFailed(f"cannot read {file}: {error}", Exit.USAGE) from error
    err.print(f"{clean(file)} is uploaded as {clean(item.dataset)}")
    return item.dataset


DEFAULT_METHOD = "gblm"
_NO_METHOD = "none"  # the dense model; a request that cuts omits the method
# `"model": "org/name"` is short for `"model": {"id": "org/name"}`, and so on.
_SHORTHANDS = {"model": "id", "method": "name", "allocation": "name"}


def request_body(
    recipe: Path | None, given: Mapping[JobOption, Any], *, quick: bool = False
) -> dict[str, Any]:
    """Return the JSON object of a recipe file with the fields that the options give.

    An option whose value is None was not given. The server validates the values, and names the field of each
    one that it rejects. Raises CommandFailed where the recipe has another value than an option.
    """
    body = _read_recipe(recipe) if recipe else {}
    for option, value in given.items():
        if value is not None:
            _Field(option, body, recipe).set(_model_path(value) if option.field == "model.id" else value)
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
        if self._option.of_domain is not None:
            for domain, entry in dict(value).items():
                field = self._option.of_domain.replace("*", domain) if domain else self._option.field
                self._set(field.split("."), entry, domain)
        elif self._option.merged:
            for name, entry in dict(value).items():
                self._set([*self._option.field.split("."), name], entry, name)
        else:
            self._set(self._option.field.split("."), value)

    def _set(self, path: list[str], entry: Any, name: str = "") -> None:  # noqa: ANN401 - any JSON
        """`name`: of the entry, as typed."""
        *parents, last = path
        place = self._body
        for parent in parents:
            place = self._object(place, parent)
        if place.get(last) not in (None, [], entry):  # a job's `spec` has every default
            raise self._contradiction(name, entry, place[last])
        place[last] = entry

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
        option = f"--{self._option.name} {name}".rstrip()
        return CommandFailed(
            f"{option} contradicts the recipe {self._recipe}: {json.dumps(typed)} here, {json.dumps(read)} "
            f"there ({self._option.field}); leave out one of them",
            Exit.USAGE,
        )


def _add_quick(body: dict[str, Any]) -> None:
    """Add what `--quick` gives. Raises CommandFailed where the request has other values there."""
    for name, fields in QUICK.items():
        place = body.setdefault(name, {})
        for field, value in fields.items():
            given = place.setdefault(field, value) if isinstance(place, dict) else place
            if given != value:
                raise CommandFailed(
                    f"--quick sets {name}.{field} to {json.dumps(value)}, and {json.dumps(given)} is given "
                    "as well: leave out one of them",
                    Exit.USAGE,
                )
    err.print(QUICK_NOTE)


def _with_method(body: dict[str, Any]) -> dict[str, Any]:
    """Return the request with the default method, unless it masks nothing."""
    method = body.get("method")
    cuts = "structure" in body or "norms" in body
    if cuts and (method.get("name") if isinstance(method, dict) else method) == _NO_METHOD:
        del body["method"]
    elif "method" in body or not cuts:
        method = body.setdefault("method", {})
        if isinstance(method, dict):
            method.setdefault("name", DEFAULT_METHOD)
    return body


def _model_path(model: str) -> str:
    """Return the absolute path of a directory on this machine; anything else, such as a Hub id, unchanged."""
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


def _read_recipe(recipe: Path) -> dict[str, Any]:
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
