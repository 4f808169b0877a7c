"""Answers of the probes."""

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The answer of a probe that passes."""

    status: Literal["ok"] = Field(description="Always `ok`: a probe that fails answers with a problem.")
