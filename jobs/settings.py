"""The settings of the service, from environment variables: addresses, limits and retention times."""

import os
import re
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography.fernet import Fernet
from pydantic import (
    Field,
    PostgresDsn,
    RedisDsn,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from jobs.secret_files import SECRETS, WrongSettings, file_variable, missing, read_secret

_ORIGIN = re.compile(r"(https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\]))((?::[0-9]{1,5})?)/?")
_ADDRESS = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$"
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}

QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class Settings(BaseSettings):
    """The settings of every process of the service.

    This class is the only definition. The table in docs/operations.md is printed from it by
    `pruneserve-admin settings`; a test compares the table, docker-compose.yml and .env.example with it.
    An empty variable counts as unset. A secret is read from the file that `<variable>_FILE` names, see
    `jobs.secret_files`.
    """

    model_config = SettingsConfigDict(
        env_prefix="PRUNESERVE_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    database_url: SecretStr = Field(
        validation_alias="DATABASE_URL", description="`postgresql://user:password@host/name`."
    )
    listen_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_LISTEN_URL",
        description="PostgreSQL's own address, where `DATABASE_URL` is that of a pooler: the API listens for "
        "events there, on one connection per process. `DATABASE_URL` when unset.",
    )
    broker_url: SecretStr | None = Field(
        None,
        validation_alias="BROKER_URL",
        description="`redis://…`, of Valkey or Redis. Dispatchers and workers need it.",
    )
    store_url: str = Field(
        validation_alias="STORE_URL",
        description="`file:///directory`, or `s3://bucket/prefix` with the endpoint, region and credentials "
        "of S3 in `AWS_*`.",
    )

    model_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Directories that local models may be loaded from, separated by `:`."
    )
    data_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Directories that calibration and evaluation files may be read from, separated by `:`.",
    )
    task_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Directories that define tasks for lm-evaluation-harness, separated by `:`. Definitions "
        "are code: name only what you would run.",
    )
    work_dir: Path = Field(
        Path("/var/lib/pruneserve/work"),
        description="Scratch directory of a worker. It holds one pruned model, its shards, and the "
        "calibration windows between two blocks.",
    )
    hub_token: SecretStr | None = Field(
        None, description="The Hugging Face token of the workers, and of the API's estimates."
    )
    hub_token_owners: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Owners whose jobs may use the token, separated by `:`."
    )
    share_between_owners: bool = Field(
        False,
        description="Whether jobs of different owners share gradient norms and dense measurements, and wait "
        "for each other's gradients. Turn it on only where all owners trust each other: whoever shares can "
        "tell that somebody has used the same model and text before.",
    )
    device: str = Field(
        "auto",
        description="`auto`, `cpu` or `cuda`: the device that a worker computes on; or GPUs that share each "
        "of its jobs, such as `cuda:0,cuda:1`. A worker without that device takes no jobs; with `auto`, "
        "neither does one with an NVIDIA GPU that torch cannot use.",
    )
    queues: Annotated[tuple[QueueName, ...], NoDecode] = Field(
        (),
        max_length=16,
        description="The queues that a worker reads, separated by `:`; the first is its class. Named by its "
        "device and the memory that was free when it started, such as `cpu`, `gpu.24g`, `gpu.80g` or "
        "`gpu.2x80g`, when unset.",
    )
    sandbox: Literal["best-effort", "require"] = Field(
        "best-effort",
        description="How strictly a worker confines the process that reads configs, tokenizers and texts: as "
        "far as the kernel allows (`best-effort`), or in every way, or the worker takes no jobs (`require`).",
    )

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("localhost", "127.0.0.1"), description="Host names under which the API answers, separated by `:`."
    )
    public_url: str | None = Field(
        None,
        description="The address under which browsers and programs reach the service, such as "
        "`https://prune.example.org`. Its host is allowed, links begin with it, and with https the page's "
        "cookies are `Secure` and browsers keep to https (HSTS).",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1", "::1"),
        description="Addresses and networks (CIDR) of the proxies in front of the API, separated by `,`. "
        "Only their `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )
    security_contact: str | None = Field(
        None,
        pattern=r"^(https://|mailto:|tel:)[!-~]+$",
        description="Where to report a vulnerability of this installation, such as "
        "`mailto:security@example.org`. With it the API serves `/.well-known/security.txt`.",
    )
    max_body_bytes: int = Field(64 * 1024, ge=1024, description="Size limit of a request's body.")
    rate_limit_per_minute: int = Field(
        600,
        ge=1,
        description="Requests per minute of one owner, with all API keys and page sessions, counted by each "
        "API process.",
    )
    max_open_requests: int = Field(
        100,
        ge=1,
        description="Requests of one owner that may be open at once, event streams and downloads included, "
        "counted by each API process. More are answered with 429.",
    )
    max_connections_per_address: int = Field(
        200,
        ge=1,
        description="Connections from one address that each API process holds; more are closed. Those of "
        "`PRUNESERVE_TRUSTED_PROXIES` are not counted.",
    )
    max_failed_sign_ins_per_minute: int = Field(
        60,
        ge=1,
        description="Requests per minute with a wrong key, page session or sign-in link from one address, "
        "counted by each API process. More are answered with 429; right ones always pass.",
    )
    max_keys: int = Field(
        100, ge=1, description="Valid API keys that one owner may have; more are refused with 409."
    )
    key_days: float = Field(
        365.0, gt=0, le=3650, description="Days after which an API key expires whose request names no other."
    )
    max_key_days: float = Field(
        3650.0,
        gt=0,
        le=3650,
        description="The most days for which an API key can be made. Keys of `pruneserve-admin new-key` and "
        "the first key of `pruneserve up` do not expire.",
    )

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

    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Fernet keys that encrypt secrets in the database, separated by `:`. The first encrypts, "
        "any of them decrypts. Webhooks need one.",
    )
    webhook_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names and networks (CIDR), separated by `,`, that webhooks may reach although they "
        "are not public, and over plain http.",
    )
    webhook_disable_days: float = Field(
        5.0, gt=0, description="Days without a successful delivery after which an endpoint is disabled."
    )
    webhook_delivery_days: float = Field(
        30.0, gt=0, description="Days for which deliveries to an endpoint are kept."
    )

    heartbeat_seconds: float = Field(
        5.0, gt=0, description="Seconds between two heartbeats of a worker. The same in all processes."
    )
    lease_seconds: float = Field(
        30.0,
        gt=0,
        description="Seconds without a heartbeat after which a worker loses its job. The same in all "
        "processes.",
    )
    max_lost_attempts: int = Field(
        3,
        ge=1,
        description="Attempts lost in a row, without a newly finished block, after which a job fails.",
    )
    max_worker_faults: int = Field(
        6,
        ge=1,
        description="Attempts that failed through a fault of their worker, since the submission or the last "
        "retry, after which a job fails.",
    )
    hub_patience_seconds: float = Field(
        6 * 3600.0,
        ge=0,
        description="Seconds for which a job waits in the queue for a Hub that does not answer, tried again "
        "at longer and longer intervals, before it fails. A newly finished block starts them again.",
    )
    quarantine_seconds: float = Field(
        60.0, gt=0, description="Seconds between two self-tests of a worker that takes no jobs."
    )
    republish_seconds: float = Field(
        30.0, gt=0, description="Seconds after which a message that no worker has taken is published again."
    )
    queue_backlog: int = Field(
        0,
        ge=0,
        description="Unclaimed messages in each queue beyond the number of idle workers. They spare a worker "
        "up to half a second between two jobs, and are claimed before whoever comes later.",
    )

    max_queued_jobs: int = Field(
        1000, ge=1, description="Queued jobs that one owner may have; more are refused with 429."
    )
    max_run_seconds: float = Field(
        7 * 86_400.0,
        gt=0,
        description="Seconds on workers, in all attempts since the last retry, after which a job fails.",
    )
    stall_seconds: float = Field(
        7200.0,
        gt=0,
        description="Seconds without progress after which a job's process is killed and the attempt is lost.",
    )
    job_memory_bytes: int | None = Field(
        None,
        ge=2**27,
        description="Memory of the host that a job's processes may hold, without mapped files; a job that "
        "holds more fails. Nine tenths of the machine's memory, or of its container's, when unset.",
    )
    cancel_grace_seconds: float = Field(
        7.0, gt=0, description="Seconds that a cancelled job has to stop before its process is killed."
    )
    shutdown_seconds: float = Field(
        20.0,
        gt=0,
        description="Seconds that a job has to finish its block when its worker shuts down, before its "
        "process is killed. It is handed back in both cases.",
    )
    min_free_disk_bytes: int = Field(
        2**28, ge=0, description="Free bytes on the scratch disk that a job needs to start and to go on."
    )

    log: Literal["text", "json"] = Field(
        "text",
        description="How the API, the dispatcher and workers write their log: as text for people, or as a "
        "line of JSON for each message, with job, attempt, owner and request where they are known.",
    )
    traces: str | None = Field(
        None,
        pattern=r"^(https?|file)://.+$",
        description="Where the processes send spans of OpenTelemetry: a collector that takes OTLP over HTTP, "
        "such as `http://127.0.0.1:4318`, or a file (`file:///path`) to which a line of JSON is added for "
        "each. Needs the extra `otel`. Nothing is traced when unset.",
    )
    api_metrics: str | None = Field(
        None,
        pattern=_ADDRESS,
        description="Address and port, such as `127.0.0.1:9101`, where the API serves its figures to "
        "Prometheus, at `/metrics`, to anybody who reaches it. Nothing listens when unset.",
    )
    dispatcher_metrics: str | None = Field(
        None,
        pattern=_ADDRESS,
        description="The same of the dispatcher, which also reads those of the database for all.",
    )
    worker_metrics: str | None = Field(
        None,
        pattern=_ADDRESS,
        description="The same of a worker. Each worker of a machine needs its own port.",
    )

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
        "from.",
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
        description="Size limit of all cached gradient norms; the least recently used are deleted first.",
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

    @field_validator(
        "model_roots",
        "data_roots",
        "task_roots",
        "allowed_hosts",
        "hub_token_owners",
        "queues",
        "secret_keys",
        mode="before",
    )
    @classmethod
    def _split_on_colons(cls, value: object) -> object:
        return tuple(part for part in value.split(":") if part) if isinstance(value, str) else value

    @field_validator("webhook_allow", "trusted_proxies", mode="before")
    @classmethod
    def _split_on_commas(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(filter(None, map(str.strip, parts))) if isinstance(parts, list) else parts

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        """Return the address as browsers send it in `Origin`."""
        if value is None:
            return None
        parts = _ORIGIN.fullmatch(value.lower())
        if parts is None:
            raise ValueError("must be an address like https://prune.example.org, without a path")
        return parts[1] if parts[2] == _DEFAULT_PORTS[parts[1].partition(":")[0]] else parts[1] + parts[2]

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in value:
            ip_network(proxy)
        return value

    @field_validator("secret_keys")
    @classmethod
    def _are_fernet_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in value:
            Fernet(key.get_secret_value())
        return value

    @field_validator("database_url", "listen_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _require(PostgresDsn, value, "postgresql://user:password@host/name")
        return value

    @field_validator("broker_url")
    @classmethod
    def _is_redis_protocol(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _require(RedisDsn, value, "redis://:password@host/0")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read secrets from their files, and everything else from the environment."""
        return init_settings, _SecretFiles(settings_cls), env_settings


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads the settings that are secrets."""

    def __call__(self) -> dict[str, Any]:
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {key: value for value, key, _ in found if value is not None}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value, the key that the model knows it by, and that it is no JSON."""
        variable = variable_of(field_name)
        key = field_name if field.validation_alias is None else variable
        return read_secret(variable) if variable in SECRETS else None, key, False


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once. Raises `WrongSettings`, a line for each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        lines = (_explained(str(it["loc"][0]), it["type"], it["msg"]) for it in wrong)
        raise WrongSettings("\n".join(lines)) from None


def variable_of(name: str) -> str:
    """Return the environment variable that a field of `Settings` is read from."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"{Settings.model_config['env_prefix']}{name.upper()}"


def _require(kind: type[PostgresDsn | RedisDsn], value: SecretStr, example: str) -> None:
    try:
        kind(value.get_secret_value())
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise ValueError(f"must be a URL such as {example} ({reason})") from None


def _explained(key: str, kind: str, message: str) -> str:
    variable = variable_of(key) if key in Settings.model_fields else key
    if variable in SECRETS:
        if kind == "missing":
            return missing(variable, "postgresql://user:password@host/name")
        file = os.environ.get(file_variable(variable))
        return f"{file_variable(variable)}: {file}: {message}" if file else f"{variable}: {message}"
    return f"{variable} is not set" if kind == "missing" else f"{variable}: {message}"


def as_table() -> str:
    """Return all settings as the Markdown table of docs/operations.md."""
    rows = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        meaning = (field.description or "").replace("|", r"\|")
        variable = variable_of(name)
        names = f"`{variable}` or `{file_variable(variable)}`" if variable in SECRETS else f"`{variable}`"
        rows.append(f"| {names} | {meaning} | {_default(field)} |")
    return "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        separator = "," if any(":" in part for part in value) else ":"
        return f"`{separator.join(value)}`"
    return f"`{value}`" if isinstance(value, str | Path) else f"{value:.15g}"
