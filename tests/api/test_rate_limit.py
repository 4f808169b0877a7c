import re
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from api.rate_limit import RateLimiter
from jobs.settings import Settings
from tests.api.drive import ClientOf

WHO = uuid4()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def granted(limiter: RateLimiter, requests: int) -> int:
    return sum(limiter.take(WHO).granted for _ in range(requests))


def test_a_minutes_requests_at_once_then_one_per_interval() -> None:
    clock = Clock()
    limiter = RateLimiter(6, clock=clock)
    assert granted(limiter, 20) == 6
    for seconds, expected in ((9, 0), (1, 1), (25, 2), (5, 1), (3600, 6)):
        clock.now += seconds
        assert granted(limiter, 20) == expected
    assert RateLimiter(6, clock=clock).take(uuid4()).granted


def test_retry_after_is_enough_and_less_is_not() -> None:
    clock = Clock()
    limiter = RateLimiter(7, clock=clock)
    granted(limiter, 7)
    wait = limiter.take(WHO).retry_after
    clock.now += wait - 1
    assert not limiter.take(WHO).granted
    clock.now += 1
    assert limiter.take(WHO).granted


def test_full_buckets_are_forgotten() -> None:
    clock = Clock()
    limiter = RateLimiter(6, clock=clock)
    for _ in range(100):
        limiter.take(uuid4())
    clock.now += 60
    limiter.take(WHO)
    assert len(limiter._buckets) == 1


class TestOverRest:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"rate_limit_per_minute": 3})

    def test_each_key_has_a_limit_of_its_own_and_sees_what_is_left(self, client_of: ClientOf) -> None:
        ada, eve = client_of(), client_of()
        answers = [ada.get(path) for path in ("/v1/jobs", "/v1/jobs/nothing", "/v1/methods", "/v1/jobs")]
        assert [answer.status_code for answer in answers] == [200, 422, 200, 429]
        assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"requests";q=3;w=60'}
        left = [re.fullmatch(r'"requests";r=(\d+);t=\d+', answer.headers["RateLimit"]) for answer in answers]
        assert [match and match[1] for match in left] == ["2", "1", "0", "0"]
        assert answers[3].json()["type"] == "urn:pruneserve:problem:rate-limited"
        assert 1 <= int(answers[3].headers["Retry-After"]) <= 20
        assert eve.get("/v1/jobs").status_code == 200

    def test_requests_without_key_are_not_counted(self, anonymous: TestClient) -> None:
        answers = [anonymous.get("/healthz") for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        assert not any("RateLimit" in answer.headers for answer in answers)
