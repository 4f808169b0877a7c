"""The client against a server that errs, breaks off, and lies."""

import gzip
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from api.problems.catalogue import InvalidRequest as Invalid
from pruneserve_client import (
    Client,
    Conflict,
    InvalidArgument,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Rejected,
    Unavailable,
    UnexpectedResponse,
)
from pruneserve_client.models import Event, JobDetail, JobRequest, ModelReference, StateChanged
from pruneserve_client.wire import Body
from tests.scripted_server import (
    Document,
    Exchange,
    ScriptedServer,
    job_document,
    problem_document,
    state_event,
    sweep_document,
)


def test_a_problem_document_becomes_a_message_with_its_fields(server: ScriptedServer, client: Client) -> None:
    problem = problem_document("Some fields cannot be accepted.", 422, sparsity="must be less than 1")
    server.on("/v1/jobs", lambda it: it.json(problem, 422, "application/problem+json"))
    with pytest.raises(
        InvalidRequest, match=r"cannot be accepted\.\n  sparsity: must be less than 1"
    ) as raised:
        client.submit({})
    assert raised.value.problem is not None
    assert raised.value.problem.type == problem["type"]


def test_the_reference_to_errors_is_dropped_from_messages(server: ScriptedServer, client: Client) -> None:
    problem = problem_document(Invalid.advice, 422, sparsity="must be less than 1")
    server.on("/v1/jobs", lambda it: it.json(problem, 422, "application/problem+json"))
    with pytest.raises(InvalidRequest) as raised:
        client.submit({})
    assert str(raised.value) == (
        "Some fields of the request cannot be accepted.\n  sparsity: must be less than 1"
    )


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected),
        (401, NotAuthenticated),
        (403, NotPermitted),
        (404, NotFound),
        (409, Conflict),
        (422, InvalidRequest),
    ],
)
def test_a_rejection_has_the_type_of_its_status(
    server: ScriptedServer, client: Client, job_id: UUID, status: int, error: type[Rejected]
) -> None:
    server.on(f"/v1/jobs/{job_id}/cancel", lambda it: it.body(b"<html>", status))
    with pytest.raises(Rejected, match=f"HTTP {status}") as raised:
        client.cancel(job_id)
    assert (type(raised.value), raised.value.status) == (error, status)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_may_succeed_later_is_unavailable(server: ScriptedServer, client: Client, status: int) -> None:
    server.on("/v1/jobs", lambda it: it.body(b"<html>", status))
    with pytest.raises(Unavailable, match=f"HTTP {status}"):
        client.submit({})


@pytest.mark.parametrize(
    "url", ["", "host:80", "ftp://host", "http://", "http://a\n", "http://host:99999999", "http://xn--/"]
)
def test_an_address_that_no_request_can_go_to_is_an_invalid_argument(url: str) -> None:
    with pytest.raises(InvalidArgument, match="must be like https://name"):
        Client(url, "ps_key")


@pytest.mark.parametrize("key", ["", " ", "ps_secret\n", "ps_secret é", "ps secret"])
def test_an_invalid_key_is_an_invalid_argument_and_stays_secret(key: str) -> None:
    with pytest.raises(InvalidArgument, match="API key must be printable") as raised:
        Client("http://127.0.0.1:1", key)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "idempotency_key"),
    [
        ({}, "a\nb"),
        ({}, "é"),
        ({"sparsity": float("nan")}, "key"),
        (JobRequest(model=ModelReference(id="m"), method="gblm", sparsity=float("inf")), "key"),
        ({"labels": {"a": "\udcff"}}, "key"),
        ({"model": Path("model")}, "key"),
    ],
)
def test_what_cannot_be_sent_is_an_invalid_argument_and_is_not_retried(
    server: ScriptedServer, client: Client, body: Body, idempotency_key: str
) -> None:
    with pytest.raises(InvalidArgument, match="the request cannot be sent"):
        client.submit(body, idempotency_key=idempotency_key, patience=60)
    assert server.requests == []


@pytest.mark.parametrize("content", [b"<html>", b"{}", b"[]", b"\xff"])
def test_a_response_that_is_not_ours_is_named_as_such(
    server: ScriptedServer, client: Client, job_id: UUID, content: bytes
) -> None:
    server.on(f"/v1/jobs/{job_id}", lambda it: it.body(content))
    with pytest.raises(UnexpectedResponse, match="is the address right"):
        client.job(job_id)


@pytest.mark.threat
@pytest.mark.parametrize("label", ["gzip", "gzip, gzip", "zstd", "Br"])
def test_an_answer_that_would_be_unpacked_is_refused(
    server: ScriptedServer, client: Client, job_id: UUID, label: str
) -> None:
    bomb = gzip.compress(gzip.compress(bytes(2**20)))
    server.on(f"/v1/jobs/{job_id}", lambda it: it.body(bomb, Content_Encoding=label))
    server.on(
        f"/v1/jobs/{job_id}/events",
        lambda it: it.body(bomb, 200, "text/event-stream", Content_Encoding=label),
    )
    with pytest.raises(UnexpectedResponse, match="takes no encoding"):
        client.job(job_id)
    with pytest.raises(UnexpectedResponse, match="takes no encoding"):
        list(client.stream(job_id))
    assert {headers["Accept-Encoding"] for _, headers in server.requests} == {"identity"}
    server.on(f"/v1/jobs/{job_id}", lambda it: it.body(bomb, 502, Content_Encoding=label))
    with pytest.raises(Unavailable, match="HTTP 502"):
        client.job(job_id)


@pytest.mark.threat
@pytest.mark.parametrize("status", [200, 404])
def test_an_endless_answer_is_not_kept(
    server: ScriptedServer, client: Client, job_id: UUID, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pruneserve_client.transport.MAX_RESPONSE_BYTES", 100_000)
    server.on(f"/v1/jobs/{job_id}", lambda it: it.body(b" " * 100_001, status))
    with pytest.raises(NotFound if status == 404 else UnexpectedResponse):
        client.job(job_id)


def test_a_server_that_is_not_there_is_unavailable(job_id: UUID) -> None:
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:1 does not answer"):
        Client("http://127.0.0.1:1", "ps_key").job(job_id)


def test_a_submission_is_repeated_under_its_key_until_the_server_is_back(
    server: ScriptedServer, client: Client, job_id: UUID
) -> None:
    def unavailable(it: Exchange) -> None:
        server.on("/v1/jobs", lambda it: it.json(job_document(job_id, "queued"), 201))
        it.body(b"", 503)

    server.on("/v1/jobs", unavailable)
    assert client.submit({"model": "org/name"}, patience=60).id == job_id
    first, second = (headers["Idempotency-Key"] for _, headers in server.requests)
    assert first == second


def test_no_wait_for_retry_after_beyond_the_patience(server: ScriptedServer, client: Client) -> None:
    server.on("/v1/jobs", lambda it: it.body(b"", 429, Retry_After="3600"))
    with pytest.raises(Unavailable) as raised:
        client.submit({}, patience=60)
    assert raised.value.retry_after == 3600
    assert len(server.requests) == 1


def test_of_a_request_only_what_was_set_is_sent(server: ScriptedServer, client: Client, job_id: UUID) -> None:
    sent = server.collect("/v1/jobs", job_document(job_id, "queued"), 201)
    client.submit(JobRequest(model=ModelReference(id="org/name"), method="gblm", sparsity=0.5))
    assert sent == [{"model": {"id": "org/name"}, "method": "gblm", "sparsity": 0.5}]


def test_a_list_is_read_page_by_page_up_to_the_limit(server: ScriptedServer, client: Client) -> None:
    def page(it: Exchange) -> None:
        items = [job_document(uuid4(), "queued") for _ in range(2)]
        it.json({"items": items, "next_cursor": "more"})

    server.on("/v1/jobs", page)
    assert len(list(client.jobs(state=["queued"], limit=4))) == 4
    first, second = (path for path, _ in server.requests)
    assert first == "/v1/jobs?state=queued&limit=4"
    assert second == "/v1/jobs?state=queued&cursor=more&limit=2"


def test_events_are_read_page_by_page(server: ScriptedServer, client: Client, job_id: UUID) -> None:
    events = [state_event(number) for number in range(1, 6)]
    server.on(f"/v1/jobs/{job_id}/events", lambda it: it.list_events(*events, limit=2))
    assert [event.id for event in client.events(job_id, after=1)] == [2, 3, 4, 5]


def test_a_stream_that_breaks_is_resumed_where_it_broke(
    server: ScriptedServer, client: Client, job_id: UUID
) -> None:
    all_events = [state_event(1, "queued"), state_event(2, "running"), state_event(3, "succeeded")]

    def events(it: Exchange) -> None:
        if not it.wants_stream:
            it.list_events(*all_events)
            return
        seen = int(it.headers["Last-Event-ID"])
        it.stream(*all_events[seen:][:1])
        state = "succeeded" if seen == 2 else "running"
        server.on(f"/v1/jobs/{job_id}", lambda it: it.json(job_document(job_id, state)))

    server.on(f"/v1/jobs/{job_id}/events", events)
    *seen, last = client.follow(job_id, patience=60)
    assert [it.id for it in seen if isinstance(it, Event)] == [1, 2, 3]
    assert isinstance(last, JobDetail)
    assert last.state == "succeeded"


@pytest.mark.parametrize(("status", "kind"), [(200, "text/html"), (404, "text/plain"), (302, "text/html")])
def test_a_page_of_a_proxy_is_borne_once_the_server_has_answered(
    server: ScriptedServer, client: Client, job_id: UUID, status: int, kind: str
) -> None:
    events, job = f"/v1/jobs/{job_id}/events", f"/v1/jobs/{job_id}"

    def page(it: Exchange) -> None:
        it.body(b"<html>Not now</html>", status, kind)

    server.on(events, page)
    server.on(job, page)
    with pytest.raises((Rejected, UnexpectedResponse)):
        client.wait(job_id, patience=60)

    def once(it: Exchange) -> None:
        it.stream(state_event(1, "running"))
        server.on(events, page)

    def back(it: Exchange) -> None:
        page(it)
        server.on_job(job_id, "succeeded", state_event(1, "running"), state_event(2, "succeeded"))

    server.on(events, once)
    server.on(job, back)
    seen: list[Event] = []
    assert client.wait(job_id, on_event=seen.append, patience=60).state == "succeeded"
    assert [event.id for event in seen] == [1, 2]
    server.on(events, once)
    server.on(job, page)
    with pytest.raises(Unavailable):
        client.wait(job_id, patience=0.5)


def test_events_are_listed_where_streams_do_not_get_through(
    server: ScriptedServer, client: Client, job_id: UUID
) -> None:
    server.on_job(job_id, "failed")
    server.on(f"/v1/jobs/{job_id}/events", lambda it: it.list_events(state_event(1, "failed")))
    events: list[Event] = []
    assert client.wait(job_id, on_event=events.append, patience=60).state == "failed"
    assert [(event.id, event.kind) for event in events] == [(1, "state")]


def test_a_retried_job_is_followed_past_its_earlier_end(
    server: ScriptedServer, client: Client, job_id: UUID
) -> None:
    rounds = iter(
        [
            ("running", [state_event(1, "failed"), state_event(2, "queued")]),
            ("succeeded", [state_event(3, "running")]),
        ]
    )

    def events(it: Exchange) -> None:
        if not it.wants_stream:
            it.list_events()
            return
        state, batch = next(rounds)
        server.on(f"/v1/jobs/{job_id}", lambda it: it.json(job_document(job_id, state)))
        it.stream(*batch)

    server.on(f"/v1/jobs/{job_id}/events", events)
    assert client.wait(job_id, patience=60).state == "succeeded"


def test_patience_with_a_server_that_is_away_ends(job_id: UUID) -> None:
    with pytest.raises(Unavailable):
        Client("http://127.0.0.1:1", "ps_key").wait(job_id, patience=0)


def test_an_older_client_reads_what_a_newer_server_sends(
    server: ScriptedServer, client: Client, job_id: UUID
) -> None:
    newer = {"model": {"id": "org/name"}, "method": {"name": "later", "beta": 1}}
    unknown = {"id": 2, "at": "2026-01-02T03:04:05Z", "data": {"kind": "later", "news": [1]}}
    server.on_job(job_id, "paused", spec=newer, later={"field": 1})
    server.on(f"/v1/jobs/{job_id}/events", lambda it: it.list_events(state_event(1, "paused"), unknown))
    job = client.job(job_id)
    assert job.state == "paused"
    assert job.spec.method == {"name": "later", "beta": 1}
    assert job.as_sent()["later"] == {"field": 1}
    known, later = client.events(job_id)
    assert isinstance(known.data, StateChanged)
    assert (later.kind, later.data) == ("later", {"kind": "later", "news": [1]})


def test_a_sweep_is_followed_to_its_end(server: ScriptedServer, client: Client) -> None:
    sweep_id = uuid4()

    def running(it: Exchange) -> None:
        server.on(f"/v1/sweeps/{sweep_id}", lambda it: it.json(sweep_document(sweep_id, "succeeded")))
        it.json(sweep_document(sweep_id, "running"))

    server.on(f"/v1/sweeps/{sweep_id}", running)
    assert [sweep.state for sweep in client.follow_sweep(sweep_id)] == ["running", "succeeded"]


def keys_page(*names: str, cursor: str | None) -> Document:
    key = {"owner": "ada", "prefix": "abc", "scopes": ["jobs:read"], "created_at": "2026-01-02T03:04:05Z"}
    times = {"expires_at": None, "last_used_at": None}
    return {
        "items": [key | times | {"id": str(uuid4()), "name": name} for name in names],
        "next_cursor": cursor,
    }


def test_keys_are_listed_page_by_page(server: ScriptedServer, client: Client) -> None:
    def first(it: Exchange) -> None:
        server.on("/v1/keys", lambda it: it.json(keys_page("third", cursor=None)))
        it.json(keys_page("first", "second", cursor="more"))

    server.on("/v1/keys", first)
    assert [key.name for key in client.keys(everyone=True)] == ["first", "second", "third"]
    assert [path for path, _ in server.requests] == [
        "/v1/keys?limit=100&everyone=true",
        "/v1/keys?limit=100&everyone=true&cursor=more",
    ]
