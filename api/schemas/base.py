"""The base of all request models, and the answer to a change by a caller who may not read."""

from pydantic import BaseModel, ConfigDict


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
