"""The types of settings: how the text of a variable is read, and which values are refused."""

import json
import re
from ipaddress import ip_network
from typing import Annotated, Literal, TypeVar

from cryptography.fernet import Fernet
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PostgresDsn,
    RedisDsn,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic_settings import NoDecode

from pruning.recipe import ErrorMessage

_Value = TypeVar("_Value")


def _split_on_colons(value: object) -> object:
    return tuple(part for part in value.split(":") if part) if isinstance(value, str) else value


def _split_on_commas(value: object) -> object:
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


ByColons = Annotated[tuple[_Value, ...], NoDecode, BeforeValidator(_split_on_colons)]
"""Values separated by `:`: paths, as in PATH, and keys."""

ByCommas = Annotated[tuple[_Value, ...], NoDecode, BeforeValidator(_split_on_commas)]
"""Values separated by `,`: all others."""


def _postgres_url(value: SecretStr) -> SecretStr:
    _require(PostgresDsn, value, "postgresql://user:password@host/name")
    # The rest of a password that it splits would be part of the host or the port, which logs may quote.
    if value.get_secret_value().partition("?")[0].count("@") > 1:
        raise ValueError("must have %40 in place of each @ of its user and password")
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    _require(RedisDsn, value, "redis://:password@host/0")
    return value


def _require(kind: type[PostgresDsn | RedisDsn], value: SecretStr, example: str) -> None:
    try:
        kind(value.get_secret_value())
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise ValueError(f"must be a URL such as {example} ({reason})") from None


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]

_ORIGIN = re.compile(r"(https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\]))((?::[0-9]{1,5})?)/?")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def _origin(value: str) -> str:
    parts = _ORIGIN.fullmatch(value.lower())
    if parts is None:
        raise ValueError("must be an address like https://prune.example.org, without a path")
    return parts[1] if parts[2] == _DEFAULT_PORTS[parts[1].partition(":")[0]] else parts[1] + parts[2]


Origin = Annotated[str, AfterValidator(_origin)]
"""An address as browsers send it in `Origin`."""


def _network(value: str) -> str:
    ip_network(value)
    return value


Network = Annotated[str, AfterValidator(_network)]
"""An address or a network (CIDR)."""


def _fernet_key(value: SecretStr) -> SecretStr:
    Fernet(value.get_secret_value())
    return value


FernetKey = Annotated[SecretStr, AfterValidator(_fernet_key)]

_ISSUER = re.compile(
    r"https://[^\s?#@/]+(/[^\s?#@]*)?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?(/[^\s?#@]*)?"
)


def _issuer(value: str) -> str:
    if not _ISSUER.fullmatch(value):
        raise ValueError(
            "must be an address like https://login.example.org/realms/team, on this machine also by http"
        )
    return value


Issuer = Annotated[str, AfterValidator(_issuer)]

Role = Literal["reader", "writer", "admin"]

_GRANT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._@-]{0,63}):(reader|writer|admin)")


def _grants(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        groups = json.loads(value)
    except ValueError as error:
        raise ValueError(f'must be JSON such as {{"llm-team": "llm:writer"}} ({error})') from None
    if not isinstance(groups, dict):
        raise ValueError('must be an object such as {"llm-team": "llm:writer"}')
    return {group: _grant(group, value) for group, value in groups.items()}


def _grant(group: str, value: object) -> tuple[str, str]:
    found = _GRANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(
            f"group '{group}': must be an owner and a role (reader, writer or admin), such as llm:writer"
        )
    return found[1], found[2]


Grants = Annotated[dict[str, tuple[str, Role]], NoDecode, BeforeValidator(_grants)]
"""The owner and the role of each group, from JSON."""

QueueName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$"),
    ErrorMessage(
        "must be 1 to 63 of the characters a-z, 0-9, '.', '_' and '-', and begin with a letter or digit"
    ),
]

HttpUrl = Annotated[
    str, Field(pattern=r"^https?://.+$"), ErrorMessage("must be a URL such as http://127.0.0.1:4318")
]

ListenAddress = Annotated[
    str,
    Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$"),
    ErrorMessage("must be an address and a port: 127.0.0.1:9101"),
]
