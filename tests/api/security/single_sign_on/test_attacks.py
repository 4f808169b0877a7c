"""Nobody signs in on another's way, or with what was made up; nor are browser and provider led astray."""

import time
from collections.abc import Callable

import httpx
import pytest
from cryptography.fernet import Fernet
from fastapi import Request
from fastapi.testclient import TestClient
from itsdangerous import TimestampSigner
from sqlalchemy import select

from api.app import create_app
from api.identity_provider import IdentityProvider as Client
from api.identity_provider import User
from jobs.database import Database
from jobs.settings import Settings
from jobs.tables import AuditRecord
from tests.api.drive import Serve
from tests.api.security.single_sign_on.members import audited, is_signed_in
from tests.identity_provider import IdentityProvider, query_of

pytestmark = pytest.mark.threat


def test_the_way_there_has_all_that_binds_the_way_back(
    browser: Callable[[], TestClient], settings: Settings
) -> None:
    there = browser().get("/sign-in/oidc", headers={"Host": "127.0.0.1"}).headers["location"]
    asked = query_of(there)
    assert asked["redirect_uri"] == "http://testserver/sign-in/oidc/callback", "whatever host is asked"
    assert asked["code_challenge_method"] == "S256"
    assert {"state", "nonce", "code_challenge", "client_id", "scope"} < asked.keys()
    other = query_of(browser().get("/sign-in/oidc").headers["location"])
    assert not {asked[name] for name in ("state", "nonce", "code_challenge")} & {*other.values()}


def test_behind_tls_no_other_host_can_set_the_cookie_of_the_way(settings: Settings) -> None:
    public = settings.model_copy(update={"public_url": "https://prune.example.org"})
    with TestClient(create_app(public), follow_redirects=False) as client:
        cookie = client.get("/sign-in/oidc").headers["set-cookie"]
    assert cookie.startswith("__Host-pruneserve_sign_in=")
    attributes = {it.strip().lower() for it in cookie.split(";")[1:]}
    assert attributes == {"path=/", "max-age=600", "httponly", "samesite=lax", "secure"}


def test_a_cookie_with_a_disguised_name_is_not_that_of_the_way(
    serve: Serve, identity_provider: IdentityProvider
) -> None:
    """Another host of the domain gives the attacker's way to somebody else's browser."""
    identity_provider.put("eve", groups=["llm-team"])
    url, host = f"http://127.0.0.1:{serve()}", {"Host": "testserver"}
    begun = httpx.get(f"{url}/sign-in/oidc", headers=host)
    cookie = begun.headers["set-cookie"].partition(";")[0].encode()
    back = identity_provider.send_back(begun.headers["location"], "eve").replace("http://testserver", url)
    statuses = [
        httpx.get(back, headers={"Host": b"testserver", "Cookie": space + cookie}).status_code
        for space in (b"\xa0", b"\x85", b"")
    ]
    assert statuses == [400, 400, 303]


def test_a_callback_of_another_browser_state_or_issuer_is_refused(
    browser: Callable[[], TestClient], identity_provider: IdentityProvider, database: Database
) -> None:
    """An attacker who has signed in as themselves has somebody else's browser come back in their place."""
    identity_provider.put("eve", groups=["llm-team"])
    attacker, victim = browser(), browser()
    back = identity_provider.send_back(attacker.get("/sign-in/oidc").headers["location"], "eve")
    for answer in (
        victim.get(back),
        browser().get(back.replace("state=", "state=x")),
        attacker.get(f"{back}&iss=https://evil.example"),
        attacker.get(back),  # its cookie was good for one way back
    ):
        assert answer.status_code == 400
        assert "pruneserve_session" not in answer.headers.get("set-cookie", "")
    victim.get("/sign-in/oidc")
    assert victim.get(back).status_code == 400, "also with a way of its own under way"
    assert audited(database) == []
    with database.begin() as session:
        failures = session.scalars(select(AuditRecord).where(AuditRecord.action == "sign-in.failed")).all()
    assert len(failures) == 5


def test_a_code_works_once_and_for_its_own_browser(
    browser: Callable[[], TestClient], identity_provider: IdentityProvider
) -> None:
    identity_provider.put("ada", groups=["llm-team"])
    client, thief = browser(), browser()
    back = identity_provider.send_back(client.get("/sign-in/oidc").headers["location"], "ada")
    own = query_of(thief.get("/sign-in/oidc").headers["location"])["state"]
    stolen = thief.get("/sign-in/oidc/callback", params={"code": query_of(back)["code"], "state": own})
    assert stolen.status_code == 403, "PKCE: the verifier is another"
    assert "Begin again" in stolen.text


def test_false_codes_stop_reaching_the_provider(
    browser: Callable[[], TestClient],
    anonymous: TestClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each would be asked with this service's name, which the provider may stop listening to."""
    resources = anonymous.app.state.resources  # type: ignore[attr-defined]
    monkeypatch.setattr(resources.failures, "_limit", 3)
    user, asked = Client.user, list[str]()

    async def counted(self: Client, request: Request) -> User:
        asked.append(request.query_params["code"])
        return await user(self, request)

    monkeypatch.setattr(Client, "user", counted)
    answers = []
    for number in range(6):
        client = browser()
        state = query_of(client.get("/sign-in/oidc").headers["location"])["state"]
        answers.append(
            client.get("/sign-in/oidc/callback", params={"code": f"false-{number}", "state": state})
        )
    assert [it.status_code for it in answers] == [403] * 3 + [429] * 3
    assert int(answers[-1].headers["retry-after"]) > 0
    assert asked == ["false-0", "false-1", "false-2"]


def test_a_forged_or_old_cookie_is_refused(
    browser: Callable[[], TestClient], identity_provider: IdentityProvider, settings: Settings
) -> None:
    """Signed again at another time, or by another key, as itsdangerous writes it."""
    identity_provider.put("ada", groups=["llm-team"])
    client = browser()
    back = identity_provider.send_back(client.get("/sign-in/oidc").headers["location"], "ada")
    right = client.cookies["pruneserve_sign_in"]
    content = right.partition(".")[0].encode()
    own, other = settings.secret_keys[0].get_secret_value(), Fernet.generate_key()

    def signed(key: str | bytes, age: int) -> str:
        signer = TimestampSigner(key)
        signer.get_timestamp = lambda: int(time.time()) - age  # type: ignore[method-assign]
        return signer.sign(content).decode()

    statuses = []
    for cookie in (content.decode(), "null", signed(other, 0), signed(own, 660), signed(own, 540)):
        client = browser()
        client.cookies.set("pruneserve_sign_in", cookie)
        statuses.append(client.get(back).status_code)
    assert statuses == [400, 400, 400, 400, 303]


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/sign-out"])
def test_a_sign_in_never_redirects_to_another_site(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]], target: str
) -> None:
    _, answer = sign_in("ada", "llm-team", next=target)
    assert answer.headers["location"] == "/jobs"


def test_a_session_that_was_there_before_is_neither_used_nor_left(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    browser: Callable[[], TestClient],
    identity_provider: IdentityProvider,
    database: Database,
) -> None:
    first, _ = sign_in("ada", "llm-team")
    planted = first.cookies["pruneserve_session"]
    client = browser()
    client.cookies.set("pruneserve_session", planted)
    back = identity_provider.send_back(client.get("/sign-in/oidc").headers["location"], "ada")
    fresh = client.get(back).headers["set-cookie"]
    assert planted not in fresh
    assert not is_signed_in(first), "the old one has ended"
