"""Write the snapshots in contracts/, and print the entries that CHANGELOG.md lacks: `make contracts`.

The contracts are what other programs rely on: the REST API, the report, the events and the settings. A
snapshot is the whole schema, so that its diff can be read. Its digest covers only what a program can rely on:
a reworded description changes the snapshot and not the digest.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr, TypeAdapter

from api.app import create_app
from jobs.lifecycle.events import Event
from jobs.settings import Settings, variable_of
from pruning.report.schema import Report

CHECKOUT = Path(__file__).parents[1]
FOLDER = CHECKOUT / "contracts"
CHANGELOG = CHECKOUT / "CHANGELOG.md"

_PROSE = frozenset({"title", "description", "summary", "examples", "example"})
_NAMES_OF_FIELDS = frozenset({"properties", "$defs", "schemas", "patternProperties"})
_DIGITS = 12


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document, without the version of the package that serves it."""
    settings = Settings(
        DATABASE_URL=SecretStr("postgresql://localhost/unused"),
        BROKER_URL=SecretStr("redis://localhost/0"),
        STORE_URL="file:///unused",
    )
    document = create_app(settings).openapi()
    return {**document, "info": {**document["info"], "version": ""}}


def report() -> dict[str, Any]:
    """Return the JSON schema of `pruning_report.json`."""
    return Report.model_json_schema(mode="serialization")


def events() -> dict[str, Any]:
    """Return the JSON schema of one event, as the API lists and streams it."""
    return TypeAdapter(Event).json_schema(mode="serialization")


def settings() -> dict[str, Any]:
    """Return the schema of every setting by the name of its environment variable."""
    schema = Settings.model_json_schema()["properties"]
    variables = {name: variable_of(name) for name in Settings.model_fields}
    return {
        "properties": {variables[name]: schema.get(name) or schema[variables[name]] for name in variables}
    }


CONTRACTS: dict[str, Callable[[], dict[str, Any]]] = {
    "openapi.json": openapi,
    "report.json": report,
    "events.json": events,
    "settings.json": settings,
}


def text(contract: dict[str, Any]) -> str:
    """Return a contract as its snapshot holds it: sorted, so that a diff shows changes and no moves."""
    return json.dumps(contract, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def digest(contract: dict[str, Any]) -> str:
    """Return the first digits of the SHA-256 of what programs rely on in a contract."""
    relied_on = json.dumps(_without_prose(contract), sort_keys=True)
    return hashlib.sha256(relied_on.encode()).hexdigest()[:_DIGITS]


def recorded_digest(changelog: str, name: str) -> str | None:
    """Return the digest that the newest entry of a changelog names for a snapshot; None if none does.

    An entry reads "- `openapi.json` is now `0123456789ab`: what has changed, and what clients must do."
    """
    line = rf"^- `{re.escape(name)}` is now `([0-9a-f]{{{_DIGITS}}})`: [^<\s]"
    entry = re.search(line, changelog, re.MULTILINE)
    return entry[1] if entry else None


def _without_prose(node: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(node, list):
        return [_without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if key in _NAMES_OF_FIELDS and isinstance(value, dict):
            kept[key] = {name: _without_prose(field) for name, field in value.items()}
        elif key not in _PROSE:
            kept[key] = _without_prose(value)
    return kept


def main() -> None:
    """Write every snapshot."""
    changelog = CHANGELOG.read_text()
    for name, contract_of in CONTRACTS.items():
        contract = contract_of()
        (FOLDER / name).write_text(text(contract))
        if recorded_digest(changelog, name) != digest(contract):
            print(
                f"{name} has changed. Add to {CHANGELOG.name}, on top of the list under Contracts:\n"
                f"- `{name}` is now `{digest(contract)}`: <what has changed, and what clients must do>"
            )


if __name__ == "__main__":
    main()
