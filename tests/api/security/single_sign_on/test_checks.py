"""The checks of memberships go on whatever provider, keys and database do, and end nothing by mistake."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event, Timer
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from jobs.access import people
from jobs.access.oidc import Identity, Provider, ProviderUnavailable
from jobs.access.people import DueCheck
from jobs.settings import Settings
from jobs.tables import NOW, Person
from jobs.webhooks.encryption import SecretBox
from scheduler.memberships import MembershipChecks
from tests.api.security.single_sign_on.members import audited, be_due, is_signed_in, make_key, works
from tests.identity_provider import IdentityProvider

pytestmark = pytest.mark.threat


def test_an_answer_that_is_older_than_the_last_sign_in_is_dropped(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    checks: MembershipChecks,
    database: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is on its way while somebody's groups change and they sign in."""
    ask, now = checks._ask, list[TestClient]()
    sign_in("ada", "llm-team")

    def late(due: DueCheck) -> Identity:
        answer = ask(due)
        now.append(sign_in("ada", "vision")[0])
        return answer

    monkeypatch.setattr(checks, "_ask", late)
    be_due(database)
    checks.round()
    assert is_signed_in(now[0])
    assert audited(database)[-2:] == [("membership.ended", "llm"), ("person.signed-in", "vision")]


def test_one_person_of_whom_nothing_can_be_heard_keeps_nobody_from_being_checked(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    identity_provider: IdentityProvider,
    checks: MembershipChecks,
    database: sessionmaker[Session],
    outcomes: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = [sign_in(subject, "llm-team")[0] for subject in ("ada", "bob")]
    for subject in ("ada", "bob"):
        identity_provider.put(subject, groups=[])
    refresh = Provider.refresh

    def failing_for_ada(self: Provider, token: str, subject: str) -> Identity:
        if subject == "ada":
            raise ProviderUnavailable("the token endpoint answers 500")
        return refresh(self, token, subject)

    monkeypatch.setattr(Provider, "refresh", failing_for_ada)
    be_due(database)
    with database.begin() as session:
        earlier = update(Person).where(Person.subject == "ada").values(check_at=NOW - timedelta(hours=1))
        session.execute(earlier)
    checks.round()
    assert [is_signed_in(client) for client in clients] == [True, False]
    assert outcomes == ["unavailable", "confirmed"]


def test_a_refresh_token_that_no_key_of_the_scheduler_decrypts_changes_nothing(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    settings: Settings,
    checks: MembershipChecks,
    database: sessionmaker[Session],
    outcomes: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Keys are being replaced, and the old one was taken out too early."""
    client, _ = sign_in("ada", "llm-team")
    key = make_key(client, "jobs:read")
    other = settings.model_copy(update={"secret_keys": (SecretStr(Fernet.generate_key().decode()),)})
    with database.begin() as session:
        before = session.execute(select(Person.refresh_token, Person.holds_until)).one()
    be_due(database)
    MembershipChecks(database, other, checks._provider).round()
    with database.begin() as session:
        assert session.execute(select(Person.refresh_token, Person.holds_until)).one() == before
    assert works(client, key)
    assert is_signed_in(client)
    assert audited(database)[-1][0] == "person.signed-in"
    [told] = [it for it in caplog.records if it.levelname == "ERROR"]
    assert "PRUNESERVE_SECRET_KEYS" in told.getMessage()
    assert outcomes == ["unreadable"]


def test_an_answer_is_recorded_though_the_database_goes_away(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    identity_provider: IdentityProvider,
    checks: MembershipChecks,
    database: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The connection is lost once; the provider may have replaced the refresh token already."""
    client, _ = sign_in("ada", "llm-team")
    confirm, tries = people.confirm, list[str]()

    def confirm_later(session: Session, due: DueCheck, identity: Identity, *rest: Any) -> bool:
        tries.append(identity.subject)
        if len(tries) == 1:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return confirm(session, due, identity, *rest)

    monkeypatch.setattr(people, "confirm", confirm_later)
    identity_provider.put("ada", groups=[])
    be_due(database)
    checks.round()
    assert tries == ["ada", "ada"]
    assert not is_signed_in(client)


def test_a_refresh_token_that_came_before_the_provider_failed_is_kept(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    checks: MembershipChecks,
    settings: Settings,
    database: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, _ = sign_in("ada", "llm-team")
    key = make_key(client, "jobs:read")
    tokens = Provider._tokens

    def rotating(self: Provider, **form: str) -> dict[str, Any]:
        return tokens(self, **form) | {"refresh_token": "the next one"}

    def failing(self: Provider, id_token: str, nonce: str | None) -> dict[str, Any]:
        raise ProviderUnavailable("its keys answer 500")

    monkeypatch.setattr(Provider, "_tokens", rotating)
    monkeypatch.setattr(Provider, "_checked", failing)
    monkeypatch.setattr(Provider, "_userinfo", failing)
    be_due(database)
    with pytest.raises(ProviderUnavailable):
        checks.round()
    with database.begin() as session:
        stored = session.scalars(select(Person.refresh_token)).one()
    assert stored is not None
    assert SecretBox(settings.secret_keys).decrypt(stored) == b"the next one"
    assert works(client, key)


def test_a_check_in_hand_is_waited_for(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    identity_provider: IdentityProvider,
    settings: Settings,
    checks: MembershipChecks,
    database: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, _ = sign_in("ada", "llm-team")
    identity_provider.put("ada", groups=[])
    be_due(database)
    often = settings.model_copy(update={"oidc_check_seconds": 0.04})
    background = MembershipChecks(database, often, checks._provider)
    ask, asked, answers = background._ask, Event(), Event()

    def slow(due: DueCheck) -> Identity:
        asked.set()
        answers.wait(30)
        return ask(due)

    monkeypatch.setattr(background, "_ask", slow)
    background.start()
    assert asked.wait(30)
    background.stop()
    Timer(0.2, answers.set).start()
    background.wait(30)
    assert not is_signed_in(client)


def test_a_provider_that_is_down_ends_nothing_before_its_word_is_old(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    settings: Settings,
    database: sessionmaker[Session],
    make_key: Callable[..., str],
) -> None:
    client, _ = sign_in("ada", "llm-team")
    gone = settings.model_copy(update={"oidc_issuer": "http://localhost:1"})
    with database.begin() as session:
        session.execute(update(Person).values(issuer=gone.oidc_issuer))
    be_due(database)
    provider = Provider.of(gone)
    assert provider is not None
    failing = MembershipChecks(database, gone, provider)
    with pytest.raises(ProviderUnavailable) as told:
        failing.round()
    assert failing.reason(told.value) == "ConnectError", "what is logged of a round that is put off"
    assert is_signed_in(client)
    with TestClient(create_app(gone), follow_redirects=False) as other:
        answer = other.get("/sign-in/oidc")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "The company does not answer" in answer.text
        assert other.get("/readyz").status_code == 200
        assert works(other, make_key())
    with database.begin() as session:
        session.execute(update(Person).values(holds_until=NOW))
    assert not is_signed_in(client)
