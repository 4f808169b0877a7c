"""Answers of the probes."""

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The answer of a probe that passes."""

    status: Literal["ok"] = Field(description="Always `ok`: a probe that fails answers with a problem.")


class Ready(Health):
    """The answer of a process that can serve requests."""

    database_revision: str | None = Field(
        None, description="The revision of the database's schema. Missing under a foreign host name."
    )
    release_revision: str | None = Field(
        None,
        description="The revision that this release needs; during an upgrade the schema may have a later "
        "one.",
    )
