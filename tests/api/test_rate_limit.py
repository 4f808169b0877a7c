import re

import pytest
from fastapi.testclient import TestClient

from api import rate_limit
from api.rate_limit import RateLimiter, network_of
from api.security.auth import COOKIE
from jobs import limits
from jobs.settings import Settings
from tests.api.drive import ORIGIN, ClientOf
from tests.clock import Clock

WHO = "ada"


def granted(limiter: RateLimiter, requests: int) -> int:
    return sum(limiter.take(WHO).granted for _ in range(requests))


def test_a_minutes_requests_at_once_then_one_per_interval() -> None:
    clock = Clock()
    limiter = RateLimiter(6, clock=clock)
    assert granted(limiter, 20) == 6
    for seconds, expected in ((9, 0), (1, 1), (25, 2), (5, 1), (3600, 6)):
        clock.seconds += seconds
        assert granted(limiter, 20) == expected
    assert RateLimiter(6, clock=clock).take("eve").granted


def test_retry_after_is_enough_and_less_is_not() -> None:
    clock = Clock()
    limiter = RateLimiter(7, clock=clock)
    granted(limiter, 7)
    wait = limiter.take(WHO).retry_after
    clock.seconds += wait - 1
    assert not limiter.take(WHO).granted
    clock.seconds += 1
    assert limiter.take(WHO).granted


def test_full_buckets_are_forgotten() -> None:
    clock = Clock()
    limiter = RateLimiter(6, clock=clock)
    for number in range(100):
        limiter.take(str(number))
    clock.seconds += 60
    limiter.take(WHO)
    assert len(limiter._buckets) == 1


@pytest.mark.threat
def test_the_buckets_of_many_addresses_take_a_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_MAX_BUCKETS", 10)
    limiter = RateLimiter(6, clock=Clock())
    for number in range(100):
        limiter.take(str(number))
    assert [*limiter._buckets] == [str(number) for number in range(90, 100)]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_host_is_counted_by_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


class TestFailures:
    @pytest.fixture
    def settings(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
        monkeypatch.setattr(limits, "MAX_FAILED_SIGN_INS_PER_MINUTE", 4)
        return settings

    @pytest.mark.threat
    def test_failed_sign_ins_are_limited_by_address_and_right_keys_pass(
        self, anonymous: TestClient, client_of: ClientOf
    ) -> None:
        eve = client_of("eve")
        right, wrong = eve.headers["Authorization"], {"Authorization": "Bearer ps_wrong"}
        answers = [
            anonymous.get("/v1/jobs", headers=wrong),
            anonymous.get("/jobs", headers={"Cookie": f"{COOKIE}=wrong"}),
            anonymous.post("/sign-in", data={"key": "wrong"}, headers=ORIGIN),
            anonymous.get("/sign-in?token=wrong"),
        ]
        assert [answer.status_code for answer in answers] == [401, 303, 401, 401]
        refused = anonymous.get("/v1/jobs", headers=wrong)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 15
        assert anonymous.post("/sign-in", data={"key": "wrong"}, headers=ORIGIN).status_code == 429
        assert anonymous.get("/sign-in?token=wrong").status_code == 429
        assert anonymous.get("/v1/jobs", headers={"Authorization": right}).status_code == 200
        assert anonymous.get("/v1/jobs").status_code == 401  # nothing was tried
        elsewhere = TestClient(anonymous.app, client=("192.0.2.7", 1))
        assert elsewhere.get("/v1/jobs", headers=wrong).status_code == 401


class TestOverRest:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"rate_limit_per_minute": 3})

    def test_each_owner_has_a_limit_and_sees_what_is_left(self, client_of: ClientOf) -> None:
        ada, eve = client_of("ada"), client_of("eve")
        answers = [ada.get(path) for path in ("/v1/jobs", "/v1/jobs/nothing", "/v1/methods", "/v1/jobs")]
        assert [answer.status_code for answer in answers] == [200, 422, 200, 429]
        assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"requests";q=3;w=60'}
        left = [re.fullmatch(r'"requests";r=(\d+);t=\d+', answer.headers["RateLimit"]) for answer in answers]
        assert [match and match[1] for match in left] == ["2", "1", "0", "0"]
        assert answers[3].json()["type"] == "urn:pruneserve:problem:rate-limited"
        assert 1 <= int(answers[3].headers["Retry-After"]) <= 20
        assert eve.get("/v1/jobs").status_code == 200

    @pytest.mark.threat
    def test_more_keys_give_an_owner_no_more_requests(self, client_of: ClientOf) -> None:
        keys = [client_of("ada") for _ in range(4)]
        assert [key.get("/v1/jobs").status_code for key in keys] == [200, 200, 200, 429]

    @pytest.mark.threat
    def test_sign_ins_with_a_key_count_as_requests_of_its_owner(
        self, anonymous: TestClient, client_of: ClientOf
    ) -> None:
        """Each writes a session, which stays for half a day."""
        key = client_of("ada").headers["Authorization"].removeprefix("Bearer ")
        answers = [anonymous.post("/sign-in", data={"key": key}, headers=ORIGIN) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [303, 303, 303, 429]

    def test_requests_without_key_are_not_counted(self, anonymous: TestClient) -> None:
        answers = [anonymous.get("/healthz") for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        assert not any("RateLimit" in answer.headers for answer in answers)
