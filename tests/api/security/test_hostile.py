"""Requests that nobody sends by mistake. Whatever comes, the answer is no 5xx.

`make soak` sends some 10,000 of every kind (`HOSTILE_EXAMPLES`), `make soak-hostile` a million by socket.
"""

import asyncio
import itertools
import json
import os
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from jobs import limits
from jobs.settings import Settings
from pruning.recipe import METHODS
from tests.api.drive import SMALLEST, MakeKey, Server
from tests.api.security.hostile import STRANGE, hostile_requests, send

JSON = {"Content-Type": "application/json"}

VALUE = st.recursive(
    st.sampled_from(STRANGE) | st.text(max_size=50) | st.integers() | st.floats() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELD = st.sampled_from(
    ["model", "method", "pattern", "sparsity", "calibration", "dtype", "evaluation", "save_masks", "extra"]
)
PART = st.one_of(
    VALUE,
    st.fixed_dictionaries(
        {"name": st.sampled_from([*METHODS]) | VALUE}, optional={"alpha": VALUE, "norm": VALUE}
    ),
    st.fixed_dictionaries({}, optional={"id": VALUE, "revision": VALUE}),
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("dataset", "samples", "sequence_length", "seed", "windows"), VALUE)
    ),
)

many = examples(
    max_examples=int(os.environ.get("HOSTILE_EXAMPLES", "300")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """One key may send them all."""
    monkeypatch.setattr(limits, "MAX_FAILED_SIGN_INS_PER_MINUTE", 10**6)
    return settings.model_copy(update={"rate_limit_per_minute": 10**6})


def harmless(
    client: TestClient,
    method: str,
    path: str,
    content: str | bytes | None = None,
    headers: Mapping[str, str | bytes] | None = None,
) -> None:
    answer = client.request(method, path, content=content, headers=headers)
    assert answer.status_code < 500, answer.text


@many
@given(changes=st.dictionaries(FIELD, PART, max_size=4))
def test_any_value_in_any_field(client: TestClient, changes: dict[str, Any]) -> None:
    harmless(client, "POST", "/v1/jobs", content=json.dumps(SMALLEST | changes), headers=JSON)


@many
@given(body=st.binary(max_size=200) | VALUE.map(lambda value: json.dumps(value).encode()))
def test_any_body(client: TestClient, body: bytes) -> None:
    harmless(client, "POST", "/v1/jobs", content=body, headers=JSON)


@many
@given(
    name=st.sampled_from(["state", "method", "model", "limit", "cursor", "after", "token", "next", "other"]),
    value=st.binary(max_size=40),
    path=st.sampled_from(["/v1/jobs", "/jobs", "/sign-in", "/v1/methods"]),
)
def test_any_query(client: TestClient, name: str, value: bytes, path: str) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in value)
    harmless(client, "GET", f"{path}?{name}={escaped}")


@many
@given(
    name=st.sampled_from(
        [
            "Authorization",
            "Idempotency-Key",
            "Last-Event-ID",
            "Accept",
            "Cookie",
            "Content-Type",
            "Host",
            "Origin",
        ]
    ),
    value=st.binary(max_size=40).filter(lambda value: not set(value) & set(b"\r\n\x00")),
)
def test_any_header(client: TestClient, name: str, value: bytes) -> None:
    harmless(client, "GET", "/v1/jobs", headers={name: value})
    harmless(client, "POST", "/v1/jobs", content=json.dumps(SMALLEST), headers=JSON | {name: value})


@many
@given(key=st.binary(max_size=60))
def test_any_sign_in(anonymous: TestClient, key: bytes) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in key)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    harmless(anonymous, "POST", "/sign-in", content=f"key={escaped}&next={escaped}", headers=form)
    harmless(anonymous, "GET", f"/sign-in?token={escaped}")


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
        client.post("/v1/zoo", json={"job": str(uuid4()), "note": name}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 5
