"""Addresses of the API."""

import re
from ipaddress import ip_network

from pydantic import BaseModel, Field, field_validator

from jobs.settings.lists import ByColons, ByCommas

_ORIGIN = re.compile(r"(https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\]))((?::[0-9]{1,5})?)/?")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


class Api(BaseModel):
    """Addresses of the API."""

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
