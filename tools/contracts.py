"""Write the OpenAPI document, on which other programs rely, into contracts/: `make contracts`.

It is the whole schema, with the report and the events, so that its diff can be read.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from api.app import create_app
from jobs.settings import Settings

SNAPSHOT = Path(__file__).parents[1] / "contracts" / "openapi.json"


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document, without the version of the package that serves it."""
    settings = Settings(
        DATABASE_URL=SecretStr("postgresql://localhost/unused"),
        BROKER_URL=SecretStr("redis://localhost/0"),
        STORE_URL="file:///unused",
    )
    document = create_app(settings).openapi()
    return {**document, "info": {**document["info"], "version": ""}}


def text(contract: dict[str, Any]) -> str:
    """Return the document as its snapshot holds it: sorted, so that a diff shows changes and no moves."""
    return json.dumps(contract, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(text(openapi()))
