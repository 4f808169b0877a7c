"""Write the snapshots in contracts/: `make contracts`.

The contracts are what other programs rely on: the REST API, with the report and the events, and the settings.
A snapshot is the whole schema, so that its diff can be read.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from api.app import create_app
from jobs.settings import Settings, variable_of

CHECKOUT = Path(__file__).parents[1]
FOLDER = CHECKOUT / "contracts"


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document, without the version of the package that serves it."""
    settings = Settings(
        DATABASE_URL=SecretStr("postgresql://localhost/unused"),
        BROKER_URL=SecretStr("redis://localhost/0"),
        STORE_URL="file:///unused",
    )
    document = create_app(settings).openapi()
    return {**document, "info": {**document["info"], "version": ""}}


def settings() -> dict[str, Any]:
    """Return the schema of every setting by the name of its environment variable."""
    schema = Settings.model_json_schema()["properties"]
    variables = {name: variable_of(name) for name in Settings.model_fields}
    return {
        "properties": {variables[name]: schema.get(name) or schema[variables[name]] for name in variables}
    }


CONTRACTS: dict[str, Callable[[], dict[str, Any]]] = {
    "openapi.json": openapi,
    "settings.json": settings,
}


def text(contract: dict[str, Any]) -> str:
    """Return a contract as its snapshot holds it: sorted, so that a diff shows changes and no moves."""
    return json.dumps(contract, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every snapshot."""
    for name, contract_of in CONTRACTS.items():
        (FOLDER / name).write_text(text(contract_of()))


if __name__ == "__main__":
    main()
