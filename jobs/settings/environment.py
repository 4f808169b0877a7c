"""The settings of a process, from environment variables and files of secrets."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jobs.secret_files import SECRETS, WrongSettings, file_variable, missing, read_secret
from jobs.settings.values import (
    ByColons,
    ByCommas,
    FernetKey,
    Grants,
    HttpUrl,
    Issuer,
    ListenAddress,
    Network,
    Origin,
    PostgresUrl,
    QueueName,
    RedisUrl,
)


class Settings(BaseSettings):
    """The settings of every process of the service.

    Its fields are the only definition. `tools.settings_tables` prints the tables in
    docs/configuration.md from them; a test compares them, docker-compose.yml and .env.example.
    An empty variable counts as unset. A secret is read from the file that `<variable>_FILE` names, see
    `jobs.secret_files`.
    """

    model_config = SettingsConfigDict(
        env_prefix="PRUNESERVE_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    # Database, broker and store.

    database_url: PostgresUrl = Field(
        validation_alias="DATABASE_URL", description="`postgresql://user:password@host/name`."
    )
    listen_url: PostgresUrl | None = Field(
        None,
        validation_alias="DATABASE_LISTEN_URL",
        description="PostgreSQL's own address where `DATABASE_URL` is that of a pooler. API and "
        "schedulers listen there.",
    )
    broker_url: RedisUrl | None = Field(
        None,
        validation_alias="BROKER_URL",
        description="`redis://…`, of Valkey or Redis. Schedulers and workers need it.",
    )
    store_url: str = Field(
        validation_alias="STORE_URL",
        description="`file:///directory`, which must exist, or `s3://bucket/prefix`.",
    )

    # What jobs may read, by which token, and whether owners share what they compute.

    model_roots: ByColons[Path] = Field(
        (), description="Directories that local models may be loaded from, separated by `:`."
    )
    data_roots: ByColons[Path] = Field(
        (),
        description="Directories that calibration and evaluation files may be read from, separated by `:`.",
    )
    task_roots: ByColons[Path] = Field(
        (),
        description="Directories that define tasks for lm-evaluation-harness, separated by `:`. "
        "Definitions are code.",
    )
    hub_token: SecretStr | None = Field(
        None, description="The Hugging Face token of workers, and of estimates by API and schedulers."
    )
    hub_token_owners: ByCommas[str] = Field(
        (), description="Owners whose jobs may use the token, separated by `,`."
    )
    share_between_owners: bool = Field(
        False,
        description="Whether jobs of different owners share gradient norms and dense measurements. An "
        "owner can then tell that another one has used the same model and text: only for "
        "owners that trust each other.",
    )

    # What a worker computes on, and the limits of what it holds.

    work_dir: Path = Field(
        Path("/var/lib/pruneserve/work"),
        description="Scratch directory of a worker. It holds one pruned model and its shards.",
    )
    device: str = Field(
        "auto",
        description="`auto`, `cpu`, `cuda`, or GPUs that share each job, such as `cuda:0,cuda:1`. A "
        "worker without the device takes no jobs.",
    )
    queues: ByCommas[QueueName] = Field(
        (),
        max_length=16,
        description="The queues whose jobs a worker runs, separated by `,`; it reads the first. When unset, "
        "its queue is named by its device and memory, such as `cpu`, `gpu.24g` or `gpu.2x80g`, and it runs "
        "every job that fits it.",
    )
    sandbox: Literal["best-effort", "require"] = Field(
        "best-effort",
        description="How strictly the process is confined that reads configs, tokenizers and texts: as "
        "far as the kernel allows (`best-effort`), or the worker takes no jobs unless every "
        "layer holds (`require`).",
    )
    job_memory_bytes: int | None = Field(
        None,
        ge=2**27,
        description="Host memory that a job's processes may hold, without mapped files. Nine tenths of "
        "the machine's or its container's when unset.",
    )
    shutdown_seconds: float = Field(
        20.0,
        gt=0,
        description="Seconds that a job has to finish its block when its worker shuts down, before it is "
        "killed. It is handed back in both cases.",
    )

    # Addresses of the API.

    allowed_hosts: ByCommas[str] = Field(
        ("localhost", "127.0.0.1"), description="Host names under which the API answers, separated by `,`."
    )
    public_url: Origin | None = Field(
        None,
        description="The address that browsers and programs use, such as `https://prune.example.org`. Its "
        "host is allowed and links begin with it; with https, cookies are `Secure` and HSTS "
        "is sent.",
    )
    trusted_proxies: ByCommas[Network] = Field(
        ("127.0.0.1", "::1"),
        description="Addresses and networks (CIDR) of the proxies in front of the API, separated by `,`. "
        "Only their `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )

    # What owners may send, keep and ask for, and for how long data is kept.

    max_queued_jobs: int = Field(
        1000, ge=1, description="Queued jobs that one owner may have; more are refused with 429."
    )
    quota_bytes: int = Field(
        200 * 2**30,
        ge=1,
        description="Bytes that the uploads and gradient norms of one owner may take together. Only their "
        "owner deletes them.",
    )
    job_retention_days: float | None = Field(
        None,
        gt=0,
        description="Days to keep a job after it ends, with its events and files, unless it is in the zoo, "
        "in use, or has gradient norms. For ever when unset.",
    )
    artifact_retention_days: float | None = Field(
        None,
        gt=0,
        description="Days for which the files of a succeeded job are kept, unless it is in the zoo. For ever "
        "when unset.",
    )
    cache_bytes: int = Field(
        220 * 2**30,
        ge=0,
        description="Size limit of what jobs leave for later ones: gradient norms, and a tenth for the dense "
        "model's final states. The least recently used are deleted first; the last norm stays, whatever its "
        "size.",
    )
    rate_limit_per_minute: int = Field(
        600, ge=1, description="Requests per minute of one owner, counted by each API process."
    )

    # The identity provider, and who may sign in with it.

    oidc_issuer: Issuer | None = Field(
        None,
        description="The identity provider (OpenID Connect) with which users may sign in to the page: its "
        "issuer, such as `https://login.example.org/realms/team`, letter by letter as its discovery document "
        "says. If unset, this sign-in is off.",
    )
    oidc_client_id: str | None = Field(
        None, description="The client id with which this service is registered at the provider."
    )
    oidc_client_secret: SecretStr | None = Field(
        None, description="The secret of that client; none for a public client. PKCE is used in both cases."
    )
    oidc_scopes: str = Field(
        "openid profile email",
        pattern=r"^openid( [!#-\[\]-~]+)*$",
        description="The scopes to request, separated by blanks. Add the one that the provider needs to send "
        "groups.",
    )
    oidc_groups_claim: str = Field(
        "groups", min_length=1, description="The claim of the ID token, or of userinfo, that lists groups."
    )
    oidc_groups: Grants = Field(
        {},
        description="The groups that may sign in, as JSON: for each an owner and the role `reader`, `writer` "
        'or `admin`, such as `{"llm-team": "llm:writer", "sre": "platform:admin"}`.',
    )

    # Where webhooks may go, and the keys of secrets in the database.

    secret_keys: ByColons[FernetKey] = Field(
        (),
        description="Fernet keys that encrypt secrets in the database, separated by `:`. The first "
        "encrypts, any of them decrypts. Webhooks need one.",
    )
    webhook_allow: ByCommas[str] = Field(
        (),
        description="Host names and networks (CIDR), separated by `,`, that webhooks may reach although "
        "they are private, and over plain http.",
    )

    # Logs, traces and metrics.

    log_format: Literal["text", "json"] = Field(
        "text",
        description="`text`, or `json` for a line of JSON per message.",
    )
    traces_endpoint: HttpUrl | None = Field(
        None,
        description="Collector of OpenTelemetry spans (OTLP over HTTP), such as `http://127.0.0.1:4318`. "
        "Needs the extra `otel`. No traces when unset.",
    )
    metrics_address: ListenAddress | None = Field(
        None,
        description="Address and port, such as `127.0.0.1:9101`, where the process serves Prometheus "
        "metrics without authentication. Each process of a machine needs its own port; "
        "`pruneserve up` adds 1 for the scheduler and 2 for the worker. Off when unset.",
    )

    @property
    def final_state_bytes(self) -> int:
        """Size limit of all cached final states."""
        return self.cache_bytes // 10

    @property
    def gradient_cache_bytes(self) -> int:
        """Size limit of all cached gradient norms."""
        return self.cache_bytes - self.final_state_bytes

    @model_validator(mode="after")
    def _sign_in_is_whole(self) -> Self:
        """Refuse an identity provider without what a sign-in with it needs."""
        needed = {
            "PRUNESERVE_OIDC_CLIENT_ID": self.oidc_client_id,
            "PRUNESERVE_OIDC_GROUPS": self.oidc_groups,
            "PRUNESERVE_PUBLIC_URL": self.public_url,
        }
        unset = [variable for variable, value in needed.items() if not value]
        if self.oidc_issuer and unset:
            raise ValueError(f"{unset[0]} is not set: PRUNESERVE_OIDC_ISSUER needs it")
        return self

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
        """Return the value, the key that the model knows it by, and that it is not JSON."""
        variable = variable_of(field_name)
        key = field_name if field.validation_alias is None else variable
        return read_secret(variable) if variable in SECRETS else None, key, False


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once. Raises `WrongSettings`."""
    return read_settings()


def read_settings(**given: str) -> Settings:
    """Read the settings that are not given. Raises `WrongSettings`, a line for each wrong variable."""
    try:
        return Settings(**given)  # type: ignore[arg-type] # it parses what the environment has
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        lines = (_explained(it["loc"], it["type"], it["msg"]) for it in wrong)
        raise WrongSettings("\n".join(lines)) from None


def variable_of(name: str) -> str:
    """Return the environment variable that a field of `Settings` is read from."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"{Settings.model_config['env_prefix']}{name.upper()}"


def _explained(place: tuple[int | str, ...], kind: str, message: str) -> str:
    if not place:  # of settings that do not go together, which it names itself
        return message.removeprefix("Value error, ")
    key = str(place[0])
    variable = variable_of(key) if key in Settings.model_fields else key
    if variable in SECRETS:
        if kind == "missing":
            return missing(variable, "postgresql://user:password@host/name")
        file = os.environ.get(file_variable(variable))
        return f"{file_variable(variable)}: {file}: {message}" if file else f"{variable}: {message}"
    return f"{variable} is not set" if kind == "missing" else f"{variable}: {message}"
