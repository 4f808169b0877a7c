"""Requests that nobody sends by mistake. Whatever comes, the answer is no 5xx.

`make soak-hostile` sends a million.
"""

import asyncio
import itertools
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from jobs import limits
from jobs.settings import Settings
from tests.api.drive import SMALLEST, MakeKey, Server
from tests.api.security.hostile import hostile_requests, send


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """One key may send them all."""
    monkeypatch.setattr(limits, "MAX_FAILED_SIGN_INS_PER_MINUTE", 10**6)
    return settings.model_copy(update={"rate_limit_per_minute": 10**6})


@pytest.mark.threat
def test_bytes_that_no_client_library_sends(server: Server, settings: Settings, make_key: MakeKey) -> None:
    port = int(server.url.rpartition(":")[2])
    requests = iter(hostile_requests(settings, [make_key(), "pk_not-a-key"], seed=1))
    outcome = asyncio.run(send(port, itertools.islice(requests, 500)))
    assert outcome.faults == []
    assert outcome.statuses[200] > 20
    assert outcome.statuses[422] > 20
    assert outcome.statuses[404] > 20
    assert server.process.poll() is None


@pytest.mark.threat
@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\u0085"])
def test_names_that_would_show_as_others_are_refused(client: TestClient, mark: str) -> None:
    name = f"gpj{mark}exe"
    text = {"Content-Type": "text/plain"}
    answers = [
        client.post("/v1/keys", json={"name": name}),
        client.post("/v1/jobs", json=SMALLEST | {"labels": {"a": name}}),
        client.post("/v1/jobs", json=SMALLEST | {"model": f"/srv/models/{name}"}),
        client.post("/v1/uploads", params={"name": name}, content=b"x", headers=text),
        client.post("/v1/zoo", json={"job_id": str(uuid4()), "note": name}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 5
