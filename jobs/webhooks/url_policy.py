"""The policy for webhook URLs: https to public addresses, and whatever else the operator allows.

The text of a URL is checked when an endpoint is made, and the resolved addresses at every connection. Only
the second check protects: a name may resolve to another address at any time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

_URL = re.compile(r"[!-~]+")
_NAME = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?")
_UNICAST = IPv6Network("2000::/3")  # other ranges embed IPv4 addresses (NAT64), or are not routed

# IANA's registries of special-purpose addresses (RFC 6890) in 2025: IPv4, and of IPv6 those in `_UNICAST`.
# Python's own tables change with its patch releases, and older ones let some of these through. Those that the
# registries call globally reachable are refused as well: they are anycast services, and no endpoints.
_SPECIAL = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("224.0.0.0/4", "240.0.0.0/4"),
            *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """Decides which URLs and addresses webhooks may reach."""

    names: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, allowed: Sequence[str]) -> Self:
        """Return the policy that also allows these host names, addresses and networks (CIDR)."""
        names, networks = set(), []
        for entry in allowed:
            try:
                networks.append(ip_network(entry))
            except ValueError:
                names.add(entry.lower().rstrip("."))
        return cls(frozenset(names), tuple(networks))

    def check_url(self, url: str) -> None:
        """Raise ValueError, with what a URL must be, if webhooks may not be sent to it."""
        host = _host(url)
        allowed = self._is_listed(host)
        scheme = url.partition(":")[0].lower()
        if scheme != "https" and not (scheme == "http" and allowed):
            raise ValueError("must begin with https://")
        address = _literal(host)
        if address is not None and not allowed and not is_public(address):
            raise ValueError("must be reachable at a public address")

    def permit(self, host: str, address: str) -> bool:
        """Return whether a connection to `address` is allowed for a URL that names `host`."""
        found = ip_address(address)
        return self._is_listed(host) or self._holds(found) or is_public(found)

    def _is_listed(self, host: str) -> bool:
        address = _literal(host)
        if address is not None:
            return self._holds(address)
        return host.lower().rstrip(".") in self.names

    def _holds(self, address: Address) -> bool:
        return any(_plain(address) in network for network in self.networks)


def is_public(address: Address) -> bool:
    """Return whether an address is public: not private, local, shared, reserved or embedded."""
    address = _plain(address)
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not any(address in network for network in _SPECIAL)


def _plain(address: Address) -> Address:
    """Return the IPv4 address of an IPv4-mapped one (`::ffff:127.0.0.1`), or the address itself."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must be a URL") from None
    if not host or not _URL.fullmatch(url) or "\\" in url:
        raise ValueError("must be a URL such as https://name/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("must hold neither credentials nor a fragment")
    if _literal(host) is None and not _NAME.fullmatch(host):
        raise ValueError("must name a host")
    return host
