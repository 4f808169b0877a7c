"""What all request models share."""

from pydantic import BaseModel, ConfigDict


class RequestModel(BaseModel):
    """A request body or query. An unknown field is an error, and no error quotes what was sent."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
