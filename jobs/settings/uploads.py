"""Sizes of what owners send and keep."""

from pydantic import BaseModel, Field


class Uploads(BaseModel):
    """Sizes of what owners send and keep."""

    max_upload_bytes: int = Field(256 * 2**20, ge=1, description="Size limit of one uploaded text.")
    upload_quota_bytes: int = Field(
        2 * 2**30, ge=1, description="Size limit of all uploaded texts of one owner together."
    )
    gradient_quota_bytes: int = Field(
        200 * 2**30,
        ge=1,
        description="Size limit of all gradient norms that one owner keeps: of gradient jobs, and uploaded. "
        "They are deleted by their owner alone. A norm takes 4 bytes for each weight.",
    )
