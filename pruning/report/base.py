"""What every part of the report is made of."""

from pydantic import BaseModel, ConfigDict


class Facts(BaseModel):
    """An immutable part of the report. Unknown fields are ignored: a report may be of another version."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)
