"""What the environment says of proxies and certificates."""

import sys
import traceback
from contextlib import suppress
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from pruneserve_client import Client, InvalidArgument, Unavailable
from tests.scripted_server import ScriptedServer, job_document, scripted_server


@pytest.mark.threat
@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
def test_the_key_of_a_server_on_this_machine_goes_to_no_proxy(
    server: ScriptedServer, job_id: UUID, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    port = urlsplit(server.url).port
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with scripted_server() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        for one, url in ((server, ""), (proxy, "http://prune.example")):
            one.on(f"{url}/v1/jobs/{job_id}", lambda it: it.json(job_document(job_id, "queued")))
        for host in ("127.0.0.1", "localhost", "127.1", "0.0.0.0"):  # noqa: S104 - where to connect
            with Client(f"http://{host}:{port}", "ps_key") as client:
                client.job(job_id)
        # Not all of these lead to where the server of this test listens.
        for host in ("[::1]", "[::]", "[::ffff:127.0.0.1]", "127.0.1.1", "localhost.", "prune.localhost"):
            with Client(f"http://{host}:{port}", "ps_key") as client, suppress(Unavailable):
                client.job(job_id)
        assert len(server.requests) >= 4
        assert proxy.requests == []
        with Client("http://prune.example", "ps_key") as client:
            client.job(job_id)
        assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("http_proxy", "http://user:secret#word@proxy.example:3128", "an address is malformed"),
        ("all_proxy", "socks://user:secret@proxy.example", "Unknown scheme"),
        ("all_proxy", "socks5://proxy.example", "socksio"),
        ("SSL_CERT_FILE", "/none", "No such file"),
    ],
)
def test_a_proxy_or_certificates_that_cannot_be_used_are_an_invalid_argument(
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    reason: str,
) -> None:
    if reason == "socksio":
        monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidArgument, match=f"cannot be used: .*{reason}") as raised:
        Client("https://prune.example", "ps_key")
    assert "secret" not in "".join(traceback.format_exception(raised.value))
    Client("http://127.0.0.1:1", "ps_key")  # which needs neither
