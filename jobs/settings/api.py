"""Addresses of the API, and limits on requests and keys."""

import re
from ipaddress import ip_network

from pydantic import BaseModel, Field, field_validator

from jobs.settings.lists import ByColons, ByCommas

_ORIGIN = re.compile(r"(https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\]))((?::[0-9]{1,5})?)/?")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


class Api(BaseModel):
    """Addresses of the API, and limits on requests and keys."""

    allowed_hosts: ByColons[str] = Field(
        ("localhost", "127.0.0.1"), description="Host names under which the API answers, separated by `:`."
    )
    public_url: str | None = Field(
        None,
        description="The address under which browsers and programs reach the service, such as "
        "`https://prune.example.org`. Its host is allowed, links begin with it, and with https the page's "
        "cookies are `Secure` and browsers keep to https (HSTS).",
    )
    trusted_proxies: ByCommas[str] = Field(
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
