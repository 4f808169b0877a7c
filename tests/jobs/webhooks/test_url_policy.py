"""Where webhooks may go: what is refused by its URL, and with which words."""

from ipaddress import ip_address

import pytest

from jobs.webhooks.url_policy import UrlPolicy, is_public

ALLOWED = ["CI.internal.", "10.0.0.0/8", "fd00::/8"]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104 - an address to refuse
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
        *("2002:101:101::", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    ],
)
def test_private_local_reserved_and_embedded_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.threat
@pytest.mark.parametrize(
    "address",
    [
        *("192.0.0.0", "192.0.0.8", "192.0.0.9", "192.0.0.170", "192.0.0.255", "192.88.99.1", "192.31.196.1"),
        *("192.52.193.1", "192.175.48.6", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1"),
        *("203.0.113.1", "240.0.0.1", "100.127.255.255", "239.255.255.255", "::ffff:192.0.0.8"),
        *("2001:1::1", "2001:3::1", "2001:4:112::1", "2001:10::1", "2001:20::1", "2001:30::1", "2001:1ff::1"),
        *("2001:db8::1", "2002:c058:6301::1", "2620:4f:8000::1", "3fff::1", "3fff:fff::1", "5f00::1"),
        *("64:ff9b::1", "64:ff9b:1::1", "100::1", "100:0:0:1::1", "fec0::1"),
    ],
)
def test_nothing_in_ianas_registries_of_special_addresses_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["191.255.255.255", "192.0.1.0", "192.88.98.255", "192.88.100.0", "2001:200::1", "3ffe::1"]
)
def test_the_neighbours_of_special_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_addresses_on_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("https://[x", "must be a URL"),
        ("https://example.org:99999", "must be a URL"),
        ("https://", "must be a URL such as https://name/path"),
        ("https:///x", "must be a URL such as https://name/path"),
        ("hooks.example.org", "must be a URL such as https://name/path"),
        ("https://example.org/a b", "must be a URL such as https://name/path"),
        ("https://exa\u0301mple.org", "must be a URL such as https://name/path"),
        ("https://example.org\\@127.0.0.1", "must be a URL such as https://name/path"),
        ("https://user@example.org", "must hold neither credentials nor a fragment"),
        ("https://:p@example.org", "must hold neither credentials nor a fragment"),
        ("https://example.org/#x", "must hold neither credentials nor a fragment"),
        ("https://a..org", "must name a host"),
        ("http://hooks.example.org", "must begin with https://"),
        ("ftp://hooks.example.org", "must begin with https://"),
        ("ftp://10.1.1.1", "must begin with https://"),
        ("https://127.0.0.1", "must be reachable at a public address"),
        ("https://[::1]/", "must be reachable at a public address"),
        ("https://[::ffff:10.0.0.1]", "must be reachable at a public address"),
    ],
)
def test_a_refusal_says_what_a_url_must_be(url: str, refusal: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is compared
        UrlPolicy.of([]).check_url(url)
    assert str(refused.value) == refusal


@pytest.mark.parametrize(
    "url", ["https://example.org", "HTTPS://Example.ORG.:8443/a?b=c", "https://1.1.1.1/"]
)
def test_public_hosts_are_accepted_over_https(url: str) -> None:
    UrlPolicy.of([]).check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        *("http://ci.internal/x", "https://CI.internal.", "HTTP://Ci.Internal"),
        *("http://10.1.1.1:80", "http://[fd00::1]/", "https://[::ffff:10.1.1.1]"),
    ],
)
def test_what_the_operator_allows_is_accepted_over_http_too(url: str) -> None:
    UrlPolicy.of(ALLOWED).check_url(url)


@pytest.mark.parametrize("url", ["ftp://ci.internal", "http://other.internal", "http://192.168.0.1"])
def test_the_operator_allows_no_more_than_was_listed(url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        UrlPolicy.of(ALLOWED).check_url(url)


@pytest.mark.parametrize(
    ("host", "address", "permitted"),
    [
        ("other.example", "1.1.1.1", True),
        ("other.example", "192.168.0.1", False),
        ("other.example", "10.1.1.1", True),
        ("other.example", "::ffff:10.1.1.1", True),
        ("ci.internal", "192.168.0.1", True),
        ("CI.INTERNAL.", "192.168.0.1", True),
        ("internal", "192.168.0.1", False),
    ],
)
def test_a_connection_is_permitted_by_name_by_network_or_as_public(
    host: str, address: str, permitted: bool
) -> None:
    assert UrlPolicy.of(ALLOWED).permit(host, address) is permitted
