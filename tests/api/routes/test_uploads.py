import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from starlette.datastructures import Headers

from api.actions import files as actions
from api.problems.catalogue import InvalidRequest, QuotaExceeded, ServiceUnavailable
from api.resources import AppResources
from api.security import middleware
from api.security.middleware import body_size
from jobs.database import Database
from jobs.lifecycle import owner_moves
from jobs.settings import Settings
from jobs.storage.errors import StoreUnreachable
from jobs.storage.store import Store
from jobs.tables import StrayUpload, Upload
from pruning.data.text import Source, read_documents
from pruning.errors import InvalidInput
from tests.api.drive import SMALLEST, ClientOf, Jobs

TEXT = "Größe, 大きさ, size.\n" * 1000


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(middleware, "MAX_TEXT_BYTES", 100_000)
    return settings.model_copy(update={"quota_bytes": 150_000})


def send(client: TestClient, text: str | bytes = TEXT, kind: str = "text/plain", name: str = "notes") -> dict:  # type: ignore[type-arg]
    content = text.encode() if isinstance(text, str) else text
    answer = client.post(
        "/v1/uploads", params={"name": name}, content=content, headers={"Content-Type": kind}
    )
    assert answer.status_code in (200, 201), answer.text
    return answer.json()  # type: ignore[no-any-return]


def stored(settings: Settings) -> list[str]:
    return [found.key for found in Store(settings.store_url).list("uploads")]


def test_a_text_is_stored_as_it_was_sent(client: TestClient, settings: Settings, database: Database) -> None:
    sent = send(client, kind="text/plain; charset=utf-8")
    assert (sent["size"], sent["format"], sent["name"]) == (len(TEXT.encode()), "txt", "notes")
    with database.begin() as session:
        key = session.scalars(select(Upload.key)).one()
        digest = session.scalar(select(func.encode(func.sha256(func.convert_to(TEXT, "UTF8")), "hex")))
    assert b"".join(Store(settings.store_url).stream(key)).decode() == TEXT
    assert sent["sha256"] == digest
    listed = client.get("/v1/uploads").json()
    assert listed["items"] == [sent]
    assert (listed["used_bytes"], listed["quota_bytes"]) == (sent["size"], 150_000)


def test_one_text_is_kept_once_per_owner(client: TestClient, client_of: ClientOf, settings: Settings) -> None:
    first = send(client)
    assert send(client, name="again") == first
    assert len(stored(settings)) == 1
    assert send(client_of("eve"))["id"] != first["id"]
    assert len(stored(settings)) == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"half a letter: \xc3", "Größe".encode("latin-1"), b"NUL \0", b"\xed\xa0\x80"],
)
def test_an_upload_that_is_not_text_is_refused_and_stores_nothing(
    client: TestClient, settings: Settings, content: bytes
) -> None:
    answer = client.post("/v1/uploads?name=x", content=content, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body"
    assert stored(settings) == []


def test_a_character_may_be_split_between_chunks(client: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        for number in range(0, len(TEXT.encode()), 7):
            yield TEXT.encode()[number : number + 7]

    answer = client.post("/v1/uploads?name=x", content=pieces(), headers={"Content-Type": "text/plain"})
    assert answer.json()["size"] == len(TEXT.encode())


def test_other_media_types_are_refused(client: TestClient) -> None:
    for kind in ("application/json", "application/octet-stream", ""):
        answer = client.post("/v1/uploads?name=x", content=b"{}", headers={"Content-Type": kind})
        assert answer.status_code == 415
        assert "text/plain" in answer.json()["detail"]
    assert client.post("/v1/uploads?name=x").status_code == 415


def test_a_text_over_the_limit_is_refused_declared_or_not(client: TestClient, settings: Settings) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 10_000

    for content in (b"x" * 100_001, pieces()):
        answer = client.post("/v1/uploads?name=x", content=content, headers={"Content-Type": "text/plain"})
        assert answer.status_code == 413
        assert "100000" in answer.json()["detail"]
    assert stored(settings) == []


def test_an_owners_texts_together_have_a_limit(
    client: TestClient, client_of: ClientOf, settings: Settings
) -> None:
    first = send(client, "a" * 90_000)
    answer = client.post("/v1/uploads?name=x", content=b"b" * 60_001, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:pruneserve:problem:quota-exceeded"
    assert len(stored(settings)) == 1
    send(client_of("eve"), "b" * 60_001)
    send(client, "b" * 60_000)
    assert client.delete(f"/v1/uploads/{first['id']}").status_code == 204
    send(client, "c" * 90_000)


def test_a_job_names_an_upload_by_its_content(client: TestClient, client_of: ClientOf) -> None:
    sent = send(client, '{"text": "a"}\n', "application/jsonl")
    named = {
        "calibration": {"datasets": [{"dataset": sent["dataset"]}, {"dataset": "builtin"}]},
        "evaluation": {"dataset": "builtin", "domains": {"own": sent["dataset"]}},
    }
    job = client.post("/v1/jobs", json=SMALLEST | named).json()
    content = f"sha256:{sent['sha256']}.jsonl"
    assert job["spec"]["calibration"]["datasets"][0]["dataset"] == content
    assert job["spec"]["evaluation"]["domains"] == {"own": content}
    # The same text under another id, and by its content: the same recipe.
    eve = client_of("eve")
    named["calibration"]["datasets"][0]["dataset"] = send(eve, '{"text": "a"}\n', "application/jsonl")[
        "dataset"
    ]  # type: ignore[index]
    named["evaluation"]["domains"] = {"own": content}
    again = eve.post("/v1/jobs", json=SMALLEST | named).json()
    assert again["recipe_fingerprint"] == job["recipe_fingerprint"]


@pytest.mark.parametrize("form", ["{dataset}", f"upload:{UUID(int=7)}", "sha256:{sha256}.txt"])
def test_a_job_cannot_name_an_upload_of_another_owner(
    client: TestClient, client_of: ClientOf, form: str
) -> None:
    dataset = form.format(**send(client))
    answer = client_of("eve").post("/v1/jobs", json=SMALLEST | {"evaluation": {"dataset": dataset}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "evaluation.dataset"


@pytest.mark.parametrize("form", ["upload:x", "upload:../x", "sha256:abc.txt", f"sha256:{'a' * 64}.npy"])
def test_other_forms_are_no_datasets(client: TestClient, form: str) -> None:
    answer = client.post("/v1/jobs", json=SMALLEST | {"calibration": {"dataset": form}})
    assert answer.status_code == 422


def test_an_upload_stays_while_a_job_may_need_it(
    client: TestClient, jobs: Jobs, settings: Settings, database: Database
) -> None:
    sent = send(client)
    address = f"/v1/uploads/{sent['id']}"
    claim = jobs.running(calibration={"dataset": sent["dataset"]})
    refused = client.delete(address)
    assert refused.status_code == 409
    assert str(claim.job_id) in refused.json()["detail"]
    jobs.fail(claim, "no")
    with database.begin() as session:
        assert owner_moves.retry(session, "ada", claim.job_id)
    assert client.delete(address).status_code == 409
    assert client.post(f"/v1/jobs/{claim.job_id}/cancel").status_code == 200
    assert client.delete(address).status_code == 204
    assert client.delete(address).status_code == 404
    assert stored(settings) == []


def test_a_store_that_deletes_nothing_changes_no_answer(
    client: TestClient, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are as the answers say, and the scheduler deletes the files."""

    def delete(_self: Store, _key: str) -> None:
        raise StoreUnreachable("for the test")

    monkeypatch.setattr(Store, "delete", delete)
    first = send(client)
    assert send(client) == first
    assert client.delete(f"/v1/uploads/{first['id']}").status_code == 204
    with database.begin() as session:
        marked = session.scalars(select(StrayUpload.key).where(StrayUpload.owner.is_(None))).all()
    assert len(marked) == 2
    assert sorted(marked) == sorted(stored(settings))


async def pieces(*sent: bytes, then: asyncio.Event | None = None) -> AsyncIterator[bytes]:
    for piece in sent:
        yield piece
    if then is not None:
        await then.wait()


@pytest.mark.threat
def test_uploads_that_are_being_sent_count_towards_the_quota(settings: Settings) -> None:
    async def send_together() -> None:
        resources, go_on = AppResources.of(settings), asyncio.Event()

        def receive(body: AsyncIterator[bytes], size: int, owner: str = "ada") -> Coroutine[Any, Any, Any]:
            return actions.upload(resources, owner, "x", "txt", body, size=size)

        held = asyncio.create_task(receive(pieces(b"a" * 10, then=go_on), 90_000))
        await asyncio.sleep(0.5)
        with pytest.raises(QuotaExceeded):
            await receive(pieces(b"b" * 60_001), 60_001)
        await receive(pieces(b"b" * 60_001), 60_001, owner="eve")
        # What was refused or has failed takes nothing any more.
        with pytest.raises(InvalidRequest):
            await receive(pieces(b"\xff"), 60_000)
        await receive(pieces(b"c" * 60_000), 60_000)
        with pytest.raises(QuotaExceeded):
            await receive(pieces(b"d"), 1)
        go_on.set()
        await held
        # What arrived counts by what it has, and not by what it might have had.
        await receive(pieces(b"d" * 80_000), 100_000)
        resources.engine.dispose()

    asyncio.run(send_together())


@pytest.mark.threat
def test_only_some_uploads_are_open_at_once(settings: Settings) -> None:
    """Each keeps megabytes in memory until it has ended."""

    async def send_together() -> None:
        resources, go_on = AppResources.of(settings), asyncio.Event()

        def receive(owner: str, *, held: bool = False) -> Coroutine[Any, Any, Any]:
            body = pieces(b"a", then=go_on if held else None)
            return actions.upload(resources, owner, "x", "txt", body, size=1)

        held: list[asyncio.Task[Any]] = []
        for owner in ("ada", "eve", "bob", "joe"):
            await receive(owner)
            held += [asyncio.create_task(receive(owner, held=True)) for _ in range(4)]
            await asyncio.sleep(0)
            with pytest.raises(ServiceUnavailable, match="Too many uploads"):
                await receive(owner)
        with pytest.raises(ServiceUnavailable, match="Too many uploads"):
            await receive("ann")
        go_on.set()
        await asyncio.gather(*held)
        await receive("ann")
        resources.engine.dispose()

    asyncio.run(send_together())


@pytest.mark.parametrize(
    ("headers", "size"),
    [
        ({"content-length": "7"}, 7),
        ({"content-length": "999"}, 100),
        ({"transfer-encoding": "chunked"}, 100),
        ({}, 0),
    ],
)
def test_a_body_without_a_length_may_have_any(headers: dict[str, str], size: int) -> None:
    assert body_size(Headers(headers), at_most=100) == size


@pytest.mark.parametrize(
    "content",
    [
        b'{"text": "a"}\n{"text": "b"}',
        b'\n\n{"text": "a"}\n',
        b'{"title": "a"}\n',
        b'{"text": "a"}\n{"text": null}',
        b'{"text": "\\ud800"}',
        b"plain text",
        b'{"text": "a"}\n{"text": "' + b"b" * 70_000 + b'"}\n{"text": 1}\n',
        b'{"text": "' + "ö".encode() * 30_000 + b'"}',
    ],
)
def test_json_lines_are_accepted_where_the_library_reads_them(
    client: TestClient, settings: Settings, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(content)
    refused = ""
    try:
        read_documents(Source(str(path), "calibration", "body"))
    except InvalidInput as error:
        refused = str(error).removeprefix("lines.jsonl, ")
    headers = {"Content-Type": "application/jsonl"}
    answer = client.post("/v1/uploads?name=lines", content=content, headers=headers)
    assert answer.status_code == (422 if refused else 201), answer.text
    if refused:
        assert answer.json()["errors"] == [{"field": "body", "message": refused}]
        assert stored(settings) == []


@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_lines_are_counted_however_the_body_is_cut(size: int) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        body = b'{"text": "a"}\n\n{"text": "b"}\n{"no": 1}\n'
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async def read() -> None:
        async for _ in actions._json_lines(chunks()):
            pass

    with pytest.raises(InvalidRequest) as refused:
        asyncio.run(read())
    assert [error.message.partition(":")[0] for error in refused.value.errors or ()] == ["line 4"]


def test_no_line_is_parsed_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk may have tens of thousands, and every other request would wait for them."""
    threads: list[int] = []
    monkeypatch.setattr(actions, "text_of_line", lambda _: threads.append(threading.get_ident()))

    async def read() -> None:
        async for _ in actions._json_lines(pieces(b'{"text": ""}\n' * 3, b'{"text": ""}')):
            pass

    asyncio.run(read())
    assert len(threads) == 4
    assert threading.get_ident() not in threads


def test_a_line_of_more_than_a_megabyte_is_checked_by_the_worker() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"[" * 2**20
        yield b"[\n"
        yield b'{"text": "a"}\n'

    async def read() -> int:
        return sum([len(chunk) async for chunk in actions._json_lines(chunks())])

    assert asyncio.run(read()) == 2**20 + 16
