"""What all request models share, and what answers a change by whoever may not read."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class RequestModel(BaseModel):
    """A request body or query.

    An unknown field is an error. The text of an error, which a log may keep, does not quote what was sent.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class JsonBody(RequestModel):
    """A JSON body. A string is never taken for a number or a truth value, as it is in a query.

    JSON has no UUIDs and no enumerations, so fields of these types need `strict=False`.
    """

    model_config = ConfigDict(strict=True)


class Receipt(BaseModel):
    """A job or sweep for a key without the scope `jobs:read`: which one, its state, where it is shown."""

    id: UUID = Field(description="Identifies the job or sweep.")
    state: str = Field(description="The current state.")
    url: str = Field(description="Its address in this API, relative to this service.")
    page: str = Field(description="Address of its page for people, relative to this service.")
