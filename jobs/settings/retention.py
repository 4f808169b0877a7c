"""How long data is kept, and how much of it."""

from pydantic import BaseModel, Field


class Retention(BaseModel):
    """How long data is kept, and how much of it."""

    idempotency_key_days: float = Field(
        7.0, gt=0, description="Days for which an `Idempotency-Key` is remembered."
    )
    job_days: float | None = Field(
        None,
        gt=0,
        description="Days after its end for which a job is kept, unless it is in the zoo; then it is deleted "
        "with its events and files. Kept for ever when unset.",
    )
    artifact_days: float | None = Field(
        None,
        gt=0,
        description="Days for which the files of a succeeded job are kept, unless it is in the zoo; kept for "
        "ever when unset.",
    )
    unfinished_days: float = Field(
        7.0,
        gt=0,
        description="Days for which a failed or cancelled job keeps the finished blocks that a retry resumes "
        "from, and a failed one what it has sent of its output.",
    )
    gradient_days: float = Field(
        30.0,
        gt=0,
        description="Days for which cached gradient norms and dense measurements are kept after their last "
        "use.",
    )
    gradient_bytes: int = Field(
        200 * 2**30,
        ge=0,
        description="Size limit of all cached gradient norms; the least recently used are deleted first, and "
        "two of each owner stay that a job which runs or could run would use.",
    )
    final_state_bytes: int = Field(
        20 * 2**30,
        ge=0,
        description="Size limit of all cached final states of dense models, by which pruned models are "
        "compared with them; the least recently used are deleted first. A text that needs more is "
        "measured by every job.",
    )
    event_days: float = Field(
        30.0, gt=0, description="Days for which an ended job keeps its progress events; other events stay."
    )
    orphaned_file_seconds: float = Field(
        3600.0,
        ge=0,
        description="Seconds after the end of an attempt when its files that no row names are deleted.",
    )
