from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from api.security.middleware import MAX_BODY_BYTES
from jobs import limits
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from tests.api.drive import ORIGIN, SMALLEST, Jobs, MakeKey, Serve, Server

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "host", ["evil.example", "", "127.0.0.1.evil.example", "[", "testserver@evil.example"]
)
def test_an_unknown_host_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/v1/jobs", headers={"Host": host})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:pruneserve:problem:unknown-host"


@pytest.mark.threat
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_answer_under_any_host(anonymous: TestClient, path: str) -> None:
    """Whatever watches a process asks by its address, which no operator can list."""
    probe = anonymous.get(path, headers={"Host": "10.42.0.17:8000"})
    assert probe.status_code == 200
    assert probe.json() == {"status": "ok"}
    assert anonymous.post(path, headers={"Host": "10.42.0.17:8000"}).status_code == 400
    assert anonymous.get(f"{path}/", headers={"Host": "10.42.0.17:8000"}).status_code == 400


@pytest.mark.parametrize("host", ["testserver", "TESTSERVER:8000", "127.0.0.1:1"])
def test_a_known_host_is_served_on_any_port(client: TestClient, host: str) -> None:
    assert client.get("/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.threat
@pytest.mark.parametrize(
    ("connection", "origin", "status"),
    [
        ("http", "http://testserver", 201),
        ("https", "https://testserver", 201),
        ("http", "https://testserver", 201),  # a proxy in front speaks https
        ("https", "http://testserver", 403),  # another site, which anybody on the way can pose as
        ("http", "ftp://testserver", 403),
        ("http", "testserver", 403),
        ("http", "https://evil.example", 403),
        ("http", "null", 403),
        ("http", "http://testserver:81", 403),
    ],
)
def test_an_origin_is_compared_with_its_scheme(
    client: TestClient, connection: str, origin: str, status: int
) -> None:
    url = f"{connection}://testserver/v1/jobs"
    answer = client.post(url, json=SMALLEST, headers={"Origin": origin})
    assert answer.status_code == status
    assert status == 201 or answer.json()["type"] == "urn:pruneserve:problem:foreign-origin"


def test_a_write_with_the_session_cookie_needs_an_origin(anonymous: TestClient, jobs: Jobs) -> None:
    anonymous.cookies.set("pruneserve_session", "whatever")
    answer = anonymous.post(f"/jobs/{jobs.queued()}/cancel")
    assert answer.status_code == 403


PUBLIC = "https://prune.example.org"


class TestBehindAProxy:
    """The proxy terminates TLS and speaks http to the service, from an address that is not trusted."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"public_url": PUBLIC})

    @pytest.mark.threat
    @pytest.mark.parametrize("host", ["testserver", "prune.example.org"])
    def test_cookies_are_secure_and_browsers_keep_to_https(
        self, anonymous: TestClient, make_key: MakeKey, host: str
    ) -> None:
        headers = {"Host": host, "Origin": PUBLIC}
        signed_in = anonymous.post("/sign-in", data={"key": make_key()}, headers=headers)
        assert signed_in.status_code == 303
        assert "; secure" in signed_in.headers["Set-Cookie"].lower()
        for path in ("/sign-in", "/v1/jobs", "/healthz", "/static/page.css"):
            answer = anonymous.get(path, headers={"Host": host})
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"

    @pytest.mark.threat
    def test_no_other_host_of_the_domain_can_set_the_session(
        self, anonymous: TestClient, make_key: MakeKey
    ) -> None:
        headers = {"Host": "prune.example.org", "Origin": PUBLIC}
        signed_in = anonymous.post("/sign-in", data={"key": make_key()}, headers=headers)
        cookie, *attributes = signed_in.headers["Set-Cookie"].lower().split("; ")
        assert cookie.startswith("__host-pruneserve_session=")
        assert {it for it in attributes if "max-age" not in it} == {
            *("path=/", "httponly", "samesite=lax", "secure")
        }
        cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
        anonymous.cookies.clear()
        for sent, status in ((cookie, 200), (cookie.removeprefix("__Host-"), 303)):
            answer = anonymous.get("/jobs", headers=headers | {"Cookie": sent})
            assert answer.status_code == status
        gone = anonymous.post("/sign-out", headers=headers | {"Cookie": cookie}).headers["Set-Cookie"]
        assert gone.startswith('__Host-pruneserve_session="";')
        assert "; secure" in gone.lower(), "a browser ignores it otherwise"

    @pytest.mark.threat
    def test_no_other_host_of_the_domain_can_disguise_a_cookie_as_the_sessions(
        self, serve: Serve, make_key: MakeKey
    ) -> None:
        """With a byte in front, which Starlette strips, a name does not begin with `__Host-` to a browser."""
        url, headers = f"http://127.0.0.1:{serve()}", {"Host": "prune.example.org", "Origin": PUBLIC}

        def sign_in(owner: str) -> bytes:
            answer = httpx.post(f"{url}/sign-in", data={"key": make_key(owner)}, headers=headers)
            return answer.headers["Set-Cookie"].partition(";")[0].encode()

        def owner_of(*cookies: bytes) -> str | None:
            sent = headers | {"Cookie": b"; ".join(cookies)}
            return httpx.get(f"{url}/v1/me", headers=sent).json().get("owner")  # type: ignore[no-any-return, arg-type]

        own, others = sign_in("ada"), sign_in("eve")
        assert owner_of(others) == "eve"
        for space in (b"\xa0", b"\x85", b"\x1c"):
            assert owner_of(space + others) is None
            assert owner_of(own, space + others) == "ada"
            assert owner_of(space + others, b"of-another-application=\xe9", own) == "ada"

    @pytest.mark.threat
    @pytest.mark.parametrize(
        ("origin", "status"),
        [(PUBLIC, 201), ("http://prune.example.org", 403), ("https://evil.example", 403), ("null", 403)],
    )
    def test_writes_come_from_the_public_address_and_not_from_its_twin_by_http(
        self, client: TestClient, origin: str, status: int
    ) -> None:
        headers = {"Host": "prune.example.org", "Origin": origin}
        assert client.post("/v1/jobs", json=SMALLEST, headers=headers).status_code == status

    def test_commands_on_the_page_name_the_public_address(self, client: TestClient, jobs: Jobs) -> None:
        claim = jobs.running()
        jobs.succeed(claim, [FinishedArtifact("model.safetensors", "k/m", 3, "ab" * 32)])
        entry = client.post("/v1/zoo", json={"job_id": str(claim.job_id)}).raise_for_status().json()
        shown = client.get(f"/zoo/{entry['slug']}").text
        assert f"PRUNESERVE_URL={PUBLIC} pruneserve download {entry['slug']}" in shown
        assert "testserver" not in shown


def test_without_a_public_address_nothing_is_forced(anonymous: TestClient, make_key: MakeKey) -> None:
    signed_in = anonymous.post("/sign-in", data={"key": make_key()}, headers=ORIGIN)
    assert "secure" not in signed_in.headers["Set-Cookie"].lower()
    assert "Strict-Transport-Security" not in signed_in.headers


@pytest.mark.threat
@pytest.mark.parametrize(
    ("trusted", "statuses"), [("127.0.0.0/8", [401, 401, 429]), ("192.0.2.1", [401, 429, 429])]
)
def test_only_a_trusted_proxy_sets_the_address_of_the_client(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: str,
    statuses: list[int],
) -> None:
    monkeypatch.setenv("PRUNESERVE_TRUSTED_PROXIES", trusted)
    monkeypatch.setattr(limits, "MAX_FAILED_SIGN_INS_PER_MINUTE", 1)
    with Server.running(settings, tmp_path / "api.log") as server:
        answers = [
            httpx.get(
                f"{server.url}/v1/jobs",
                headers={"Authorization": "Bearer ps_wrong", "X-Forwarded-For": client},
                timeout=60,
            )
            for client in ("203.0.113.1", "203.0.113.2", "203.0.113.2")
        ]
    assert [answer.status_code for answer in answers] == statuses


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_is_not_declared_as_json_is_refused(client: TestClient, content_type: str) -> None:
    answer = client.post("/v1/jobs", content=b"{}", headers={"Content-Type": content_type})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_a_charset_parameter_is_accepted(client: TestClient) -> None:
    content_type = {"Content-Type": "application/json; charset=utf-8"}
    body = b'{"model": "org/name", "method": "gblm", "sparsity": 0.5}'
    assert client.post("/v1/jobs", content=body, headers=content_type).status_code == 201


def test_an_encoded_body_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/jobs", json=SMALLEST, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_a_body_over_the_limit_is_refused_with_the_limit(client: TestClient) -> None:
    answer = client.post("/v1/jobs", json=SMALLEST | {"model": "x" * MAX_BODY_BYTES})
    assert answer.status_code == 413
    assert str(MAX_BODY_BYTES) in answer.json()["detail"]


def test_a_chunked_body_over_the_limit_is_refused(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(MAX_BODY_BYTES):
            yield b" " * 1024

    answer = client.post("/v1/jobs", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:pruneserve:problem:body-too-large"


def test_a_large_form_is_refused_as_well(anonymous: TestClient) -> None:
    answer = anonymous.post("/sign-in", content=b"key=" + b"x" * MAX_BODY_BYTES, headers=FORM)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path", ["/v1/jobs", "/jobs", "/sign-in", "/static/page.css", "/nothing", "/healthz"]
)
def test_every_answer_forbids_foreign_scripts_and_frames(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
