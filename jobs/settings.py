"""Where the service finds its parts, and the bounds it keeps. All of it comes from environment variables."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from cryptography.fernet import Fernet
from pydantic import Field, PostgresDsn, RedisDsn, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """`DATABASE_URL`, `BROKER_URL` and `STORE_URL` name the parts; `PRUNESERVE_*` holds everything else."""

    model_config = SettingsConfigDict(env_prefix="PRUNESERVE_", frozen=True, hide_input_in_errors=True)

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    broker_url: SecretStr = Field(validation_alias="BROKER_URL")
    store_url: str = Field(
        validation_alias="STORE_URL",
        description="`file:///dir` or `s3://bucket/prefix`, with S3's endpoint and credentials in AWS_*.",
    )

    model_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Directories under which local models may lie, separated by ':'."
    )
    data_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Directories under which calibration and evaluation files may lie, separated by ':'."
    )
    task_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Directories that define tasks for lm-evaluation-harness, separated by ':'. Definitions "
        "are code: name only what you would run.",
    )
    work_dir: Path = Field(Path("/var/lib/pruneserve/work"), description="Scratch space of a worker.")
    hub_token: SecretStr | None = Field(None, description="The Hugging Face token of the workers.")
    hub_token_owners: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Owners whose jobs may use the workers' Hub token, separated by ':'."
    )
    device: str = Field("auto", description="`auto`, `cpu` or `cuda`: what a worker computes on.")

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("localhost", "127.0.0.1"), description="Host names under which the API answers, separated by ':'."
    )
    max_body_bytes: int = Field(64 * 1024, ge=1024)
    rate_limit_per_minute: int = Field(
        600, ge=1, description="Requests of one API key, and of the page sessions that it has opened."
    )

    max_upload_bytes: int = Field(256 * 2**20, ge=1, description="Of one uploaded text.")
    upload_quota_bytes: int = Field(2 * 2**30, ge=1, description="Of all uploads of one owner together.")

    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Fernet keys, separated by ':', under which secrets lie in the database: the first "
        "encrypts, any of them decrypts. Webhooks need one.",
    )
    webhook_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names and networks (CIDR), separated by ',', that webhooks may reach although they "
        "are not public, and over plain http.",
    )
    webhook_disable_days: float = Field(
        5.0, gt=0, description="Days of nothing but failures after which an endpoint is disabled."
    )
    webhook_delivery_days: float = Field(
        30.0, gt=0, description="How long is remembered what was sent to an endpoint."
    )

    heartbeat_seconds: float = Field(5.0, gt=0)
    lease_seconds: float = Field(30.0, gt=0)
    max_lost_attempts: int = Field(
        3, ge=1, description="Losses in a row without a new durable block before a job fails."
    )
    republish_seconds: float = Field(
        30.0, gt=0, description="Age at which an unclaimed message counts as lost."
    )
    backlog_per_worker: int = Field(
        2, ge=1, description="Messages dispatched and unclaimed beyond live workers."
    )

    max_queued_jobs: int = Field(1000, ge=1, description="Queued jobs that one owner may have.")
    max_run_seconds: float = Field(
        7 * 86_400.0, gt=0, description="Time on workers, all attempts together, after which a job fails."
    )
    stall_seconds: float = Field(
        7200.0, gt=0, description="Time without any progress after which a job's process is killed."
    )
    cancel_grace_seconds: float = Field(
        7.0, gt=0, description="Time that a job has to stop by itself before its process is killed."
    )
    shutdown_seconds: float = Field(
        20.0, gt=0, description="The same, when its worker shuts down: the job is handed back all the same."
    )
    min_free_disk_bytes: int = Field(
        2**28, ge=0, description="Space on the scratch disk below which no job begins or goes on."
    )

    idempotency_key_days: float = Field(7.0, gt=0, description="How long an Idempotency-Key is remembered.")
    artifact_days: float | None = Field(
        None, gt=0, description="How long a job's files are kept after its success; for ever unless given."
    )
    unfinished_days: float = Field(
        7.0, gt=0, description="How long a failed or cancelled job keeps what a retry could go on from."
    )
    gradient_days: float = Field(
        30.0,
        gt=0,
        description="How long gradient norms and dense models' perplexities are kept for other jobs after "
        "their last use.",
    )
    gradient_bytes: int = Field(
        200 * 2**30, ge=0, description="What the norms may take together; the longest unused go first."
    )
    event_days: float = Field(
        30.0, gt=0, description="How long an ended job keeps the events of its progress."
    )
    orphaned_file_seconds: float = Field(
        3600.0, ge=0, description="Age at which files that no row names are deleted from the store."
    )

    @field_validator(
        "model_roots",
        "data_roots",
        "task_roots",
        "allowed_hosts",
        "hub_token_owners",
        "secret_keys",
        mode="before",
    )
    @classmethod
    def _split_on_colons(cls, value: object) -> object:
        return tuple(part for part in value.split(":") if part) if isinstance(value, str) else value

    @field_validator("webhook_allow", mode="before")
    @classmethod
    def _split_on_commas(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(filter(None, map(str.strip, parts))) if isinstance(parts, list) else parts

    @field_validator("secret_keys")
    @classmethod
    def _are_fernet_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in value:
            Fernet(key.get_secret_value())
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr) -> SecretStr:
        PostgresDsn(value.get_secret_value())
        return value

    @field_validator("broker_url")
    @classmethod
    def _is_redis_protocol(cls, value: SecretStr) -> SecretStr:
        RedisDsn(value.get_secret_value())
        return value


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
