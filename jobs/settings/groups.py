"""All settings, by group. The fields and their descriptions are the only definition."""

import json
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from cryptography.fernet import Fernet
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PostgresDsn,
    RedisDsn,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic_settings import NoDecode

from pruning.recipe import ErrorMessage

_Value = TypeVar("_Value")

QueueName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$"),
    ErrorMessage(
        "must be 1 to 63 of the characters a-z, 0-9, '.', '_' and '-', and begin with a letter or digit"
    ),
]

_ORIGIN = re.compile(r"(https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\]))((?::[0-9]{1,5})?)/?")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}

Role = Literal["reader", "writer", "admin"]

_ISSUER = re.compile(
    r"https://[^\s?#@/]+(/[^\s?#@]*)?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?(/[^\s?#@]*)?"
)

_GRANT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._@-]{0,63}):(reader|writer|admin)")
_ADDRESS = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$"


def _split_on_colons(value: object) -> object:
    return tuple(part for part in value.split(":") if part) if isinstance(value, str) else value


def _split_on_commas(value: object) -> object:
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


ByColons = Annotated[tuple[_Value, ...], NoDecode, BeforeValidator(_split_on_colons)]
"""Values separated by `:`."""

ByCommas = Annotated[tuple[_Value, ...], NoDecode, BeforeValidator(_split_on_commas)]
"""Values separated by `,`, for those that may have a `:` in them."""


class Fields(BaseModel):
    """The settings, in the order of their tables."""

    # Database, broker and store.

    database_url: SecretStr = Field(
        validation_alias="DATABASE_URL", description="`postgresql://user:password@host/name`."
    )
    listen_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_LISTEN_URL",
        description="PostgreSQL's own address where `DATABASE_URL` is that of a pooler. API and "
        "schedulers listen there.",
    )
    broker_url: SecretStr | None = Field(
        None,
        validation_alias="BROKER_URL",
        description="`redis://…`, of Valkey or Redis. Schedulers and workers need it.",
    )
    store_url: str = Field(
        validation_alias="STORE_URL",
        description="`file:///directory`, which must exist, or `s3://bucket/prefix`.",
    )

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
    hub_token_owners: ByColons[str] = Field(
        (), description="Owners whose jobs may use the token, separated by `:`."
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
    queues: ByColons[QueueName] = Field(
        (),
        max_length=16,
        description="The classes whose jobs a worker runs, separated by `:`; the first is its own. When "
        "unset, its class is that of its device and memory, such as `cpu`, `gpu.24g` or "
        "`gpu.2x80g`, and it runs every job that fits it.",
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

    allowed_hosts: ByColons[str] = Field(
        ("localhost", "127.0.0.1"), description="Host names under which the API answers, separated by `:`."
    )
    public_url: str | None = Field(
        None,
        description="The address that browsers and programs use, such as `https://prune.example.org`. Its "
        "host is allowed and links begin with it; with https, cookies are `Secure` and HSTS "
        "is sent.",
    )
    trusted_proxies: ByCommas[str] = Field(
        ("127.0.0.1", "::1"),
        description="Addresses and networks (CIDR) of the proxies in front of the API, separated by `,`. "
        "Only their `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )

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
    job_days: float | None = Field(
        None,
        gt=0,
        description="Days after its end for which a job is kept, with its events and files, unless it is in "
        "the zoo, in use, or has gradient norms. For ever when unset.",
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
        "model's final states. The least recently used are deleted first; the last norm stays, whatever its "
        "size.",
    )
    rate_limit_per_minute: int = Field(
        600, ge=1, description="Requests per minute of one owner, counted by each API process."
    )

    @property
    def final_state_bytes(self) -> int:
        """Size limit of all cached final states."""
        return self.cache_bytes // 10

    @property
    def gradient_cache_bytes(self) -> int:
        """Size limit of all cached gradient norms."""
        return self.cache_bytes - self.final_state_bytes

    # The identity provider, and who may sign in with it.

    oidc_issuer: str | None = Field(
        None,
        description="The identity provider (OpenID Connect) with which users may sign in to the page: its "
        "issuer, such as `https://login.example.org/realms/team`, letter by letter as its discovery document "
        "says. Nobody signs in so when unset.",
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
    oidc_groups: Annotated[dict[str, tuple[str, Role]], NoDecode] = Field(
        {},
        description="The groups that may sign in, as JSON: for each an owner and the role `reader`, `writer` "
        'or `admin`, such as `{"llm-team": "llm:writer", "sre": "platform:admin"}`.',
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _is_issuer(cls, value: str | None) -> str | None:
        if value is not None and not _ISSUER.fullmatch(value):
            raise ValueError(
                "must be an address like https://login.example.org/realms/team, on this machine also by http"
            )
        return value

    @field_validator("oidc_groups", mode="before")
    @classmethod
    def _are_grants(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            groups = json.loads(value)
        except ValueError as error:
            raise ValueError(f'must be JSON such as {{"llm-team": "llm:writer"}} ({error})') from None
        if not isinstance(groups, dict):
            raise ValueError('must be an object such as {"llm-team": "llm:writer"}')
        return {group: _grant(group, value) for group, value in groups.items()}

    # Where webhooks may go, and the keys of secrets in the database.

    secret_keys: ByColons[SecretStr] = Field(
        (),
        description="Fernet keys that encrypt secrets in the database, separated by `:`. The first "
        "encrypts, any of them decrypts. Webhooks need one.",
    )
    webhook_allow: ByCommas[str] = Field(
        (),
        description="Host names and networks (CIDR), separated by `,`, that webhooks may reach although "
        "they are private, and over plain http.",
    )

    @field_validator("secret_keys")
    @classmethod
    def _are_fernet_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in value:
            Fernet(key.get_secret_value())
        return value

    # Logs, traces and metrics.

    log: Literal["text", "json"] = Field(
        "text",
        description="`text`, or `json` for a line of JSON per message.",
    )
    traces: Annotated[
        str | None,
        Field(pattern=r"^https?://.+$"),
        ErrorMessage("must be a URL such as http://127.0.0.1:4318"),
    ] = Field(
        None,
        description="Collector of OpenTelemetry spans (OTLP over HTTP), such as `http://127.0.0.1:4318`. "
        "Needs the extra `otel`. No traces when unset.",
    )
    metrics: Annotated[
        str | None, Field(pattern=_ADDRESS), ErrorMessage("must be an address and a port: 127.0.0.1:9101")
    ] = Field(
        None,
        description="Address and port, such as `127.0.0.1:9101`, where the process serves Prometheus "
        "metrics without authentication. Each process of a machine needs its own port; "
        "`pruneserve up` adds 1 for the scheduler and 2 for the worker. Off when unset.",
    )


def _require(kind: type[PostgresDsn | RedisDsn], value: SecretStr, example: str) -> None:
    try:
        kind(value.get_secret_value())
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise ValueError(f"must be a URL such as {example} ({reason})") from None


def _grant(group: str, value: object) -> tuple[str, str]:
    found = _GRANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(
            f"group '{group}': must be an owner and a role (reader, writer or admin), such as llm:writer"
        )
    return found[1], found[2]
