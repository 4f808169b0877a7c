"""The client against a server that errs, breaks off, and lies."""

import hashlib
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from cli.client.client import Client, Refused, Unreachable
from cli.client.models import Artifact, Event, Job
from cli.commands.downloads import download_all
from cli.commands.follow import follow
from cli.terminal import CommandFailed
from tests.cli.conftest import Exchange, ScriptedServer, event, job_document


@pytest.fixture
def client(server: ScriptedServer) -> Client:
    return Client(server.url, "ps_key")


def test_a_problem_document_becomes_a_message_with_its_fields(server: ScriptedServer, client: Client) -> None:
    problem = {
        "detail": "Some fields cannot be accepted.",
        "errors": [{"field": "sparsity", "message": "must be less than 1"}],
    }
    server.on("/v1/jobs", lambda it: it.json(problem, 422, "application/problem+json"))
    with pytest.raises(Refused, match=r"cannot be accepted\.\n  sparsity: must be less than 1"):
        client.submit({}, idempotency_key="once")


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_may_differ_later_is_no_refusal(server: ScriptedServer, client: Client, status: int) -> None:
    server.on("/v1/jobs", lambda it: it.body(b"<html>", status))
    with pytest.raises(Unreachable, match=f"HTTP {status}"):
        client.submit({}, idempotency_key="once")


@pytest.mark.parametrize("content", [b"<html>", b"{}", b"[]", b"\xff"])
def test_an_answer_that_is_not_ours_is_named_as_such(
    server: ScriptedServer, client: Client, job_id: UUID, content: bytes
) -> None:
    server.on(f"/v1/jobs/{job_id}", lambda it: it.body(content))
    with pytest.raises(Refused, match="is the address right"):
        client.job(job_id)


def test_a_server_that_is_not_there_is_unreachable(job_id: UUID) -> None:
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1 does not answer"):
        Client("http://127.0.0.1:1", "ps_key").job(job_id)


def test_a_list_is_read_page_by_page_up_to_the_limit(server: ScriptedServer, client: Client) -> None:
    def page(it: Exchange) -> None:
        items = [job_document(uuid4(), "queued") for _ in range(2)]
        it.json({"items": items, "next_cursor": "more"})

    server.on("/v1/jobs", page)
    assert len(list(client.jobs(limit=4, state=["queued"], model=None))) == 4
    first, second = (path for path, _ in server.requests)
    assert first == "/v1/jobs?state=queued&limit=4"
    assert second == "/v1/jobs?state=queued&cursor=more&limit=2"


def test_a_stream_that_breaks_is_taken_up_where_it_broke(
    server: ScriptedServer, client: Client, job_id: UUID
) -> None:
    all_events = [event(1, state="queued"), event(2, state="running"), event(3, state="succeeded")]

    def events(it: Exchange) -> None:
        seen = int(it.headers.get("Last-Event-ID", 3))
        it.stream(*all_events[seen:][:1]) if "text/event-stream" in it.headers["Accept"] else it.json(
            {"items": []}
        )
        ended = seen == 2
        server.on(
            f"/v1/jobs/{job_id}",
            lambda it: it.json(job_document(job_id, "succeeded" if ended else "running")),
        )

    server.on(f"/v1/jobs/{job_id}/events", events)
    *news, last = follow(client, job_id, patience=60)
    assert [it.id for it in news if isinstance(it, Event)] == [1, 2, 3]
    assert isinstance(last, Job)
    assert last.state == "succeeded"


def test_events_are_asked_for_where_streams_do_not_get_through(
    server: ScriptedServer, client: Client, job_id: UUID
) -> None:
    server.on(f"/v1/jobs/{job_id}/events", lambda it: it.json({"items": [event(1, state="failed")]}))
    server.on(f"/v1/jobs/{job_id}", lambda it: it.json(job_document(job_id, "failed")))
    first, *_, last = follow(client, job_id, patience=60)
    assert isinstance(first, Event)
    assert isinstance(last, Job)
    assert last.state == "failed"


def test_a_retried_job_is_followed_past_its_earlier_end(
    server: ScriptedServer, client: Client, job_id: UUID
) -> None:
    rounds = iter(
        [("running", [event(1, state="failed"), event(2, state="queued")]), ("succeeded", [event(3)])]
    )

    def events(it: Exchange) -> None:
        if "text/event-stream" not in it.headers["Accept"]:
            it.json({"items": []})
            return
        state, batch = next(rounds)
        server.on(f"/v1/jobs/{job_id}", lambda it: it.json(job_document(job_id, state)))
        it.stream(*batch)

    server.on(f"/v1/jobs/{job_id}/events", events)
    *_, last = follow(client, job_id, patience=60)
    assert isinstance(last, Job)
    assert last.state == "succeeded"


def test_patience_with_a_server_that_is_away_ends(job_id: UUID) -> None:
    with pytest.raises(Unreachable):
        list(follow(Client("http://127.0.0.1:1", "ps_key"), job_id, patience=0))


def artifact(job_id: UUID, name: str, content: bytes) -> dict[str, object]:
    checksum = hashlib.sha256(content).hexdigest()
    url = f"/v1/jobs/{job_id}/artifacts/content"
    return {"id": str(uuid4()), "name": name, "size": len(content), "sha256": checksum, "url": url}


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside", "..", ""])
def test_a_file_never_lands_outside_of_its_directory(
    server: ScriptedServer, client: Client, job_id: UUID, tmp_path: Path, name: str
) -> None:
    listing = {"items": [artifact(job_id, name, b"content")]}
    server.on(f"/v1/jobs/{job_id}/artifacts", lambda it: it.json(listing))
    with pytest.raises(CommandFailed, match="not a plain name"):
        download_all(client, job_id, tmp_path / "inside")
    assert list(tmp_path.rglob("*")) == []


def test_a_damaged_download_leaves_no_file(
    server: ScriptedServer, client: Client, job_id: UUID, tmp_path: Path
) -> None:
    wanted = Artifact.model_validate(artifact(job_id, "model.safetensors", b"content"))
    server.on(wanted.url, lambda it: it.body(b"damaged"))
    with pytest.raises(Unreachable, match="arrived damaged"):
        client.download(wanted, tmp_path / "model.safetensors", advance=lambda count: None)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_a_subdirectory_is_put_there(
    server: ScriptedServer, client: Client, job_id: UUID, tmp_path: Path
) -> None:
    listing = {"items": [artifact(job_id, "masks/a.safetensors", b"content")]}
    server.on(f"/v1/jobs/{job_id}/artifacts", lambda it: it.json(listing))
    server.on(f"/v1/jobs/{job_id}/artifacts/content", lambda it: it.body(b"content"))
    download_all(client, job_id, tmp_path)
    assert (tmp_path / "masks" / "a.safetensors").read_bytes() == b"content"
