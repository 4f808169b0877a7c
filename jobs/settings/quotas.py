"""What owners may send, keep and ask for, and for how long data is kept."""

from pydantic import BaseModel, Field


class Quotas(BaseModel):
    """What owners may send, keep and ask for, and for how long data is kept."""

    max_queued_jobs: int = Field(
        1000, ge=1, description="Queued jobs that one owner may have; more are refused with 429."
    )
    quota_bytes: int = Field(
        200 * 2**30,
        ge=1,
        description="Bytes that the uploads and gradient norms of one owner may take together. Only their "
        "owner deletes them.",
    )
    job_days: float | None = Field(
        None,
        gt=0,
        description="Days after its end for which a job is kept, with its events and files, unless it is in "
        "the zoo. For ever when unset.",
    )
    artifact_days: float | None = Field(
        None,
        gt=0,
        description="Days for which the files of a succeeded job are kept, unless it is in the zoo. For ever "
        "when unset.",
    )
    cache_bytes: int = Field(
        220 * 2**30,
        ge=0,
        description="Size limit of what jobs leave for later ones: gradient norms, and a tenth for the dense "
        "model's final states. The least recently used are deleted first.",
    )
    rate_limit_per_minute: int = Field(
        600, ge=1, description="Requests per minute of one owner, counted by each API process."
    )
    max_key_days: float = Field(
        3650.0,
        gt=0,
        le=3650,
        description="The longest lifetime of an API key, in days; 365 where a request names none. The first "
        "keys, of `pruneserve-admin new-key` and `pruneserve up`, do not expire.",
    )

    @property
    def final_state_bytes(self) -> int:
        """Size limit of all cached final states."""
        return self.cache_bytes // 10

    @property
    def gradient_cache_bytes(self) -> int:
        """Size limit of all cached gradient norms."""
        return self.cache_bytes - self.final_state_bytes
