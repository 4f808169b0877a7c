"""Generate `pruneserve_client/models.py` from the OpenAPI document of the API: `make client`.

1. take the schemas of the OpenAPI document
2. loosen them: the server judges values, and an older client must read what a newer server sends
3. let datamodel-code-generator write pydantic models
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.contracts import openapi

MODELS = Path(__file__).parents[1] / "pruneserve_client" / "models.py"

_HEADER = (
    '''"""The models of the REST API. Generated from its OpenAPI document by `make client`; do not edit."""'''
)
_BASES = {
    "JobSummary": "pruneserve_client.base.JobModel",
    "JobDetail": "pruneserve_client.base.JobModel",
    "Event": "pruneserve_client.base.EventModel",
}
_OPTIONS = (
    "--input-file-type=openapi",
    "--openapi-scopes=schemas",
    "--output-model-type=pydantic_v2.BaseModel",
    "--target-python-version=3.11",
    "--base-class=pruneserve_client.base.Model",
    f"--base-class-map={json.dumps(_BASES)}",
    "--enum-field-as-literal=all",
    "--use-union-operator",
    "--use-standard-collections",
    "--strict-nullable",
    "--use-type-alias",
    "--collapse-root-models",
    "--use-schema-description",
    "--use-field-description",
    "--use-inline-field-description",
    "--use-single-line-docstring",
    "--use-double-quotes",
    "--keep-model-order",
    "--disable-timestamp",
    "--formatters=builtin",
)

# What a schema says about values rather than about types, and their titles for readers.
_JUDGED_BY_THE_SERVER = {
    *("minLength", "maxLength", "pattern"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minItems", "maxItems", "minProperties", "maxProperties", "propertyNames"),
    *("title", "examples"),
}


def generated() -> str:
    """Return the text of `pruneserve_client/models.py` for the OpenAPI document as it stands."""
    schemas = openapi()["components"]["schemas"]
    document = {
        "openapi": "3.1.0",
        "info": {"title": "PruneServe", "version": "1"},
        "paths": {},
        "components": {"schemas": {name: loosened(schemas[name]) for name in sorted(schemas)}},
    }
    command = [sys.executable, "-m", "datamodel_code_generator", *_OPTIONS, f"--custom-file-header={_HEADER}"]
    return formatted(_keyword_defaults(piped(command, json.dumps(document))), MODELS)


def formatted(code: str, path: Path) -> str:
    """Return the code as ruff formats the file at `path`, imports sorted."""
    for step in (["check", "--fix-only", "--select=I", "--quiet"], ["format"]):
        code = piped([sys.executable, "-m", "ruff", *step, "--stdin-filename", str(path), "-"], code)
    return code


def piped(command: list[str], text: str) -> str:
    """Return the standard output of a command for a standard input. Exits with its messages if it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def _keyword_defaults(code: str) -> str:
    """Pass defaults to `Field` by keyword: without pydantic's plugin, mypy overlooks positional ones."""
    return re.sub(r"\bField\(\s*(?=[\[{])", "Field(default=", code)


def loosened(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a schema that accepts what a newer server may send: unknown enum values, unknown variants."""
    if isinstance(schema, list):
        return [loosened(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {keyword: value for keyword, value in schema.items() if keyword not in _JUDGED_BY_THE_SERVER}
    return _opened({keyword: _loosened_keyword(keyword, value) for keyword, value in kept.items()})


def _loosened_keyword(keyword: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    match keyword:
        case "default" | "const" | "enum" | "required":
            return value
        case "properties" | "patternProperties":
            return {name: loosened(part) for name, part in value.items()}
        case _:
            return loosened(value)


def _opened(schema: dict[str, Any]) -> dict[str, Any]:
    """Let an enum be any value of its type, a tagged union any object, and an object have further fields."""
    if len(schema.get("enum", ())) > 1:
        kind = {"type": schema.pop("type", "string")}
        schema["anyOf"] = [kind | {"enum": schema.pop("enum")}, kind]
    if schema.pop("discriminator", None):
        schema["anyOf"] = [*schema.pop("oneOf"), {"type": "object", "additionalProperties": True}]
    if schema.get("additionalProperties") is False:
        del schema["additionalProperties"]
    # The server requires the tag of a method or allocation, which has one value: the model fills it in.
    if "const" in schema.get("properties", {}).get("name", {}):
        schema["required"] = [name for name in schema["required"] if name != "name"]
    for value in schema.pop("patternProperties", {}).values():
        schema["additionalProperties"] = value
    return schema


if __name__ == "__main__":
    MODELS.write_text(generated(), encoding="utf-8")
