"""An identity provider for tests, as a process of its own: `tests.serve_identity_provider`.

It has no passwords: a sign-in names the user. Clients are registered, and users given their claims, over its
own HTTP interface.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from cli.embedded.process import free_port


class IdentityProvider:
    """The running provider."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://localhost:{port}"
        self._http = httpx.Client(base_url=self.issuer, timeout=60)

    def register(self, redirect_uri: str) -> tuple[str, str]:
        """Register a client that has this address alone. Returns its id and its secret."""
        body = {"redirect_uris": [redirect_uri], "token_endpoint_auth_method": "client_secret_basic"}
        made = self._http.post("/oauth2/clients", json=body).raise_for_status().json()
        return made["client_id"], made["client_secret"]

    def put(self, subject: str, **claims: object) -> None:
        """Make somebody, or give them other claims."""
        self._http.put(f"/users/{subject}", json=claims).raise_for_status()

    def rotate_key(self) -> None:
        """Sign with a new key from now on, and publish no other."""
        self._http.post("/of-tests/rotate").raise_for_status()

    def send_back(self, url: str, subject: str) -> str:
        """Return the address to which somebody who signs in at `url` is sent back."""
        answer = self._http.post(url, data={"sub": subject})
        assert answer.is_redirect, answer.text
        return answer.headers["location"]


@contextmanager
def running(log: Path) -> Iterator[IdentityProvider]:
    """Run one until the end of the block."""
    port = free_port()
    command = [sys.executable, "-m", "tests.serve_identity_provider", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        provider = IdentityProvider(port)
        _wait(process, provider, log)
        yield provider
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def identity_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    with running(tmp_path_factory.mktemp("identity-provider") / "log") as provider:
        yield provider


def query_of(url: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def _wait(process: subprocess.Popen[bytes], provider: IdentityProvider, log: Path) -> None:
    while True:
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(f"{provider.issuer}/.well-known/openid-configuration", timeout=60).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
