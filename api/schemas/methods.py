"""The pruning methods that a job may name."""

from typing import Any

from pydantic import BaseModel, Field


class MethodItem(BaseModel):
    """A pruning method."""

    name: str = Field(description="The name to use as a job's `method`.")
    formula: str = Field(description="How the method scores a weight.")
    options: dict[str, Any] = Field(description="JSON Schema of the options in a job's `method` object.")


class MethodList(BaseModel):
    """The pruning methods that a job may name."""

    items: list[MethodItem] = Field(description="All methods.")
