import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi.testclient import TestClient
from httpx_sse import EventSource, ServerSentEvent
from sqlalchemy import Engine, update

from api import streams
from api.resources import AppResources
from jobs.access import api_keys, page_sessions
from jobs.access.api_keys import Scope
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import LogMessage
from jobs.settings import Settings
from jobs.tables import NOW, ApiKey
from tests.api.conftest import with_roots
from tests.api.drive import Jobs, MakeKey, Server
from tests.conftest import emptied, new_database, settings_of

AS_LIST = {"Accept": "application/json"}


# An API takes seconds to start. These tests share one, and its database, which is emptied for each.
@pytest.fixture(scope="module")
def settings(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    directory = tmp_path_factory.mktemp("service")
    with new_database(postgres_url, template="pruneserve") as url:
        yield with_roots(settings_of(url, directory), directory)


@pytest.fixture
def database(engine: Engine) -> Database:
    return emptied(engine)


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server.running(settings, tmp_path_factory.mktemp("api") / "api.log") as server:
        yield server


@pytest.fixture
def http(server: Server, make_key: MakeKey) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {make_key()}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        yield client


@contextmanager
def stream(http: httpx.Client, job_id: object, **headers: str) -> Iterator[Iterator[ServerSentEvent]]:
    with http.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as response:
        assert response.status_code == 200
        yield EventSource(response).iter_sse()


def ids(events: Iterator[ServerSentEvent]) -> list[int]:
    return [int(event.id) for event in events]


def test_a_list_has_the_events_after_a_given_id(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.progress(claim, "prune", 1, 30)
    answer = client.get(f"/v1/jobs/{claim.job_id}/events", params={"after": 1}, headers=AS_LIST).json()
    assert [(event["id"], event["data"]["kind"]) for event in answer["items"]] == [
        (2, "state"),
        (3, "progress"),
    ]
    assert answer["items"][1]["data"]["step"] == 1
    assert answer["next_after"] == 3
    later = client.get(f"/v1/jobs/{claim.job_id}/events", params={"after": 3}, headers=AS_LIST).json()
    assert later == {"items": [], "next_after": 3}


def test_a_stream_delivers_events_as_they_come_and_ends_with_the_job(http: httpx.Client, jobs: Jobs) -> None:
    claim = jobs.running()
    with stream(http, claim.job_id) as events:
        assert [next(events).id, next(events).id] == ["1", "2"]
        jobs.progress(claim, "prune", 1, 2)
        event = next(events)
        assert (event.id, event.event, event.json()["data"]["step"]) == ("3", "progress", 1)
        jobs.succeed(claim)
        last = next(events)
        assert last.json()["data"]["state"] == "succeeded"
        assert list(events) == []


def test_a_stream_resumes_after_the_last_event_that_arrived(http: httpx.Client, jobs: Jobs) -> None:
    claim = jobs.running()
    for step in range(5):
        jobs.progress(claim, "prune", step, 5)
    with stream(http, claim.job_id) as events:
        assert [next(events).id for _ in range(4)] == ["1", "2", "3", "4"]
    jobs.succeed(claim)
    with stream(http, claim.job_id, **{"Last-Event-ID": "4"}) as events:
        assert ids(events) == [5, 6, 7, 8]


def test_a_stream_of_more_events_than_one_read_gives_all(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    with jobs.database.begin() as session:
        for number in range(1200):
            lifecycle.record(session, claim, LogMessage(attempt=1, message=str(number)))
    jobs.succeed(claim)
    with stream(client, claim.job_id) as events:
        assert ids(events) == list(range(1, 1204))


def test_a_stream_goes_on_where_a_failed_job_was_retried(http: httpx.Client, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.fail(claim, "no")
    with jobs.database.begin() as session:
        owner_moves.retry(session, "ada", claim.job_id)
    with stream(http, claim.job_id) as events:
        assert [next(events).json()["data"]["state"] for _ in range(4)] == [
            "queued",
            "running",
            "failed",
            "queued",
        ]
        assert http.post(f"/v1/jobs/{claim.job_id}/cancel").status_code == 200
        assert ids(events) == [5]


def test_resuming_after_the_last_event_answers_204(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim)
    answer = client.get(f"/v1/jobs/{claim.job_id}/events", headers={"Last-Event-ID": "3"})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("last", ["-1", "x", "9" * 400, "", "1.5"])
def test_an_invalid_last_event_id_is_refused(client: TestClient, jobs: Jobs, last: str) -> None:
    answer = client.get(f"/v1/jobs/{jobs.queued()}/events", headers={"Last-Event-ID": last})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "last-event-id"


def test_many_streams_of_one_job_all_get_every_event(http: httpx.Client, jobs: Jobs) -> None:
    claim = jobs.running()
    seen: list[list[int]] = []
    ready = threading.Barrier(21)

    def read() -> None:
        with stream(http, claim.job_id) as events:
            first = [int(next(events).id) for _ in range(2)]
            ready.wait(60)
            seen.append(first + ids(events))

    readers = [threading.Thread(target=read) for _ in range(20)]
    for reader in readers:
        reader.start()
    ready.wait(60)
    for step in range(50):
        jobs.progress(claim, "prune", step, 50)
    jobs.succeed(claim)
    for reader in readers:
        reader.join(60)
    assert seen == [list(range(1, 54))] * 20


def test_a_listener_that_lost_its_connection_misses_nothing(http: httpx.Client, jobs: Jobs) -> None:
    claim = jobs.running()
    with stream(http, claim.job_id) as events:
        assert [next(events).id, next(events).id] == ["1", "2"]
        with jobs.database.begin() as session:
            session.connection().exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'pruneserve-api-events' AND datname = current_database()"
            )
        jobs.progress(claim, "prune", 1, 2)
        assert next(events).id == "3"


@pytest.mark.parametrize(
    "end",
    [
        "the key is revoked",
        "the key loses a scope",
        "the key has another owner",
        "its page session signs out",
        "the session's key is revoked",
        "the session's key loses a scope",
    ],
)
def test_a_stream_ends_when(
    anonymous: TestClient, make_key: MakeKey, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """In this process, so that the authorization is re-checked before every batch."""
    monkeypatch.setattr(streams, "AUTHORIZATION_SECONDS", 0.0)
    monkeypatch.setattr(streams, "POLL_SECONDS", 0.05)
    resources: AppResources = anonymous.app.state.resources  # type: ignore[attr-defined]
    claim = jobs.running()
    with jobs.database.begin() as session:
        principal = api_keys.authenticate(session, make_key())
        assert principal is not None
        token = page_sessions.start(session, principal.key_id)
        if "session" in end:
            principal = page_sessions.lookup(session, token)
            assert principal is not None

    of_key = update(ApiKey).where(ApiKey.id == principal.key_id)

    async def follow() -> list[int]:
        seen = []
        batches = 0
        async for batch in resources.streams.follow(claim.job_id, 0, principal):
            seen += [event.id for event in batch]
            batches += 1
            if batches == 3:  # it goes on as long as nothing has ended it
                with jobs.database.begin() as session:
                    if "signs out" in end:
                        page_sessions.end(session, token)
                    elif "loses a scope" in end:
                        left = sorted(principal.scopes - {Scope.ADMIN})
                        session.execute(of_key.values(scopes=left))
                    elif "another owner" in end:
                        session.execute(of_key.values(owner="eve"))
                    else:
                        assert api_keys.revoke(session, principal, principal.key_id)
            assert batches <= 3
        return seen

    assert asyncio.run(asyncio.wait_for(follow(), 20)) == [1, 2]


@pytest.mark.threat
@pytest.mark.parametrize("of_a_job", [True, False])
def test_a_stream_that_waits_for_its_turn_sends_nothing_once_its_key_is_revoked(
    anonymous: TestClient, make_key: MakeKey, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, of_a_job: bool
) -> None:
    """Behind a hundred streams of its owner, that may be minutes later."""
    monkeypatch.setattr(streams, "AUTHORIZATION_SECONDS", 0.0)
    followed = anonymous.app.state.resources.streams  # type: ignore[attr-defined]
    job_id = jobs.running().job_id
    with jobs.database.begin() as session:
        principal = api_keys.authenticate(session, make_key())
        assert principal is not None
    read_in_turn = followed.read_in_turn

    async def wait_long(owner: str, read: Callable[[], object]) -> object:
        with jobs.database.begin() as session:
            session.execute(update(ApiKey).values(revoked_at=NOW))
        return await read_in_turn(owner, read)

    monkeypatch.setattr(followed, "read_in_turn", wait_long)

    async def seen() -> list[object]:
        job = followed.follow(job_id, 0, principal)
        return [it async for it in (job if of_a_job else followed.watch(lambda: "rows", principal, "ada"))]

    assert asyncio.run(asyncio.wait_for(seen(), 20)) == []


def test_an_open_stream_holds_no_database_session(http: httpx.Client, jobs: Jobs) -> None:
    claim = jobs.running()
    with stream(http, claim.job_id) as events:
        assert [next(events).id, next(events).id] == ["1", "2"]
        with jobs.database.begin() as session:
            open_transactions = session.connection().exec_driver_sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'"
            )
            assert open_transactions.scalar() == 0


def test_the_server_exits_with_a_stream_open(http: httpx.Client, server: Server, jobs: Jobs) -> None:
    """The last test of the shared server."""
    with stream(http, jobs.running().job_id) as events:
        next(events)
        server.process.send_signal(signal.SIGTERM)
        # The stream ends in good order: no exception of a broken connection.
        assert ids(events) == [2]
    # After its shutdown in good order uvicorn ends by the signal that it was sent.
    assert server.process.wait(60) == -signal.SIGTERM
