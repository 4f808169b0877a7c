"""Where webhooks may connect to, and how a request can fail, with real HTTP and HTTPS servers."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jobs.webhooks.url_policy import UrlPolicy, is_public
from tests.worker.dispatcher.receiver import Receiver
from worker.dispatcher import safe_http
from worker.dispatcher.safe_http import Failed, Forbidden

NOT_PUBLIC = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://hooks.example.org",
            "ftp://hooks.example.org",
            "https://",
            "hooks.example.org",
            "https:///x",
        ),
        *("https://user@example.org", "https://u:p@example.org", "https://example.org/#x", "https://a b.org"),
        *("https://127.0.0.1", "https://[::1]/", "https://[::ffff:10.0.0.1]", "https://example.org:99999"),
        *("https://example.org\\@127.0.0.1", "https://exa\u0301mple.org", "https://a..org", "https://[x"),
    ],
)
def test_unsafe_urls_are_refused_when_an_endpoint_is_created(url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        UrlPolicy.of([]).check_url(url)


def test_the_operator_may_allow_names_and_networks() -> None:
    url_policy = UrlPolicy.of(["ci.internal", "10.0.0.0/8", "fd00::/8"])
    for url in ("http://ci.internal/x", "https://CI.internal.", "http://10.1.1.1:80", "http://[fd00::1]/"):
        url_policy.check_url(url)
    assert url_policy.permit("ci.internal", "192.168.0.1")
    assert url_policy.permit("other.example", "10.1.1.1")
    assert url_policy.permit("other.example", "::ffff:10.1.1.1")
    assert not url_policy.permit("other.example", "192.168.0.1")


# However the host is written, what counts is the address that the system would connect to.
@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "2130706433", "0x7f000001", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_no_spelling_of_this_machine_is_reached(receive: Callable[..., Receiver], host: str) -> None:
    receiver = receive()
    url = f"http://{host}:{receiver.server.server_port}/"
    with pytest.raises(Forbidden):
        asyncio.run(safe_http.post(url, {"host": "x"}, b"{}", UrlPolicy.of([])))
    assert receiver.requests == []


async def fake_resolver_with_a_private_address(host: str, port: int) -> Sequence[str]:
    return ["93.184.216.34", "10.0.0.1"]


def test_one_private_address_among_public_ones_forbids_the_host() -> None:
    sent = safe_http.post(
        "https://rebound.example/", {}, b"", UrlPolicy.of([]), resolve=fake_resolver_with_a_private_address
    )
    with pytest.raises(Forbidden):
        asyncio.run(sent)


def certificate(directory: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = directory / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


async def fake_resolver_to_this_machine(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def test_tls_and_the_host_header_name_the_host_and_not_its_address(
    receive: Callable[..., Receiver], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path, "hooks.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    receiver = receive(tls=context)
    port = receiver.server.server_port
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # not read

    def send(host: str) -> int:
        url_policy = UrlPolicy.of(["127.0.0.1"])
        url = f"https://{host}:{port}/"
        return asyncio.run(safe_http.post(url, {}, b"{}", url_policy, resolve=fake_resolver_to_this_machine))

    with pytest.raises(Failed, match="TLS"):
        send("hooks.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    assert send("hooks.example") == 204
    assert receiver.requests[0][0]["host"] == f"hooks.example:{port}"
    with pytest.raises(Failed, match="TLS"):
        send("other.example")


def test_a_response_that_never_ends_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_http, "_TOTAL_SECONDS", 0.3)

    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"X-More: and more\r\n")
            await asyncio.sleep(0.05)

    async def talk() -> None:
        server = await asyncio.start_server(dripping, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await safe_http.post(f"http://127.0.0.1:{port}/", {}, b"", UrlPolicy.of(["127.0.0.1"]))

    with pytest.raises(Failed, match="no answer within"):
        asyncio.run(talk())


def test_an_endless_response_is_read_only_up_to_a_limit() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                sent += 65_536
                await writer.drain()
        except ConnectionError:
            pass

    async def talk() -> int:
        server = await asyncio.start_server(endless, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        return await safe_http.post(f"http://127.0.0.1:{port}/", {}, b"", UrlPolicy.of(["127.0.0.1"]))

    assert asyncio.run(talk()) == 200
    assert sent < 64 * 2**20
