"""Where webhooks may connect to, and how a request can fail, with real HTTP and HTTPS servers."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jobs.webhooks.url_policy import UrlPolicy
from scheduler import safe_http
from scheduler.safe_http import AddressForbidden, RequestFailed
from tests.scheduler.receiver import Receiver


# However the host is written, what counts is the address that the system would connect to.
@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "2130706433", "0x7f000001", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_no_spelling_of_this_machine_is_reached(receive: Callable[..., Receiver], host: str) -> None:
    receiver = receive()
    url = f"http://{host}:{receiver.port}/"
    with pytest.raises(AddressForbidden):
        asyncio.run(safe_http.post(url, {"host": "x"}, b"{}", UrlPolicy.of([])))
    assert receiver.requests == []


async def fake_resolver_with_a_private_address(host: str, port: int) -> Sequence[str]:
    return ["93.184.216.34", "10.0.0.1"]


def test_one_private_address_among_public_ones_forbids_the_host() -> None:
    sent = safe_http.post(
        "https://rebound.example/", {}, b"", UrlPolicy.of([]), resolve=fake_resolver_with_a_private_address
    )
    with pytest.raises(AddressForbidden):
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
    port = receiver.port
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # not read

    def send(host: str) -> int:
        url_policy = UrlPolicy.of(["127.0.0.1"])
        url = f"https://{host}:{port}/"
        return asyncio.run(safe_http.post(url, {}, b"{}", url_policy, resolve=fake_resolver_to_this_machine))

    with pytest.raises(RequestFailed, match="TLS"):
        send("hooks.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    assert send("hooks.example") == 204
    assert receiver.requests[0][0]["host"] == f"hooks.example:{port}"
    with pytest.raises(RequestFailed, match="TLS"):
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

    with pytest.raises(RequestFailed, match="no answer within"):
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
