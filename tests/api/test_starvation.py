"""Slow work of some requests does not keep the process from answering others."""

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from itertools import islice
from threading import Event
from uuid import UUID

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker

from api.page.pictures import pictures
from api.pools import BoundedPool
from api.problems.catalogue import ServiceUnavailable
from api.rate_limit import MAX_OPEN_REQUESTS
from api.resources import AppResources
from api.streams import Streams
from jobs import database as jobs_database
from jobs.database import Database, advisory_lock
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.notify import EVENTS, Listener
from jobs.settings import Settings
from jobs.storage.store import Store
from jobs.tables import Sweep
from tests.api.drive import JOB, SMALLEST, ClientOf, Jobs, MakeKey, Server, scopes_but, submit_sweep
from tests.eventually import eventually, waiting_for_locks

pytestmark = pytest.mark.threat

# More than the threads that routes share, by far.
MANY = 120
LONG_SECONDS = 10.0


@pytest.fixture
def silent_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Hub that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as hub:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.getsockname()[1]}")
        yield


def test_the_probe_answers_while_many_estimates_wait_for_a_slow_hub(
    silent_hub: None, server: Server, make_key: MakeKey
) -> None:
    reader = {"Authorization": f"Bearer {make_key('eve', scopes_but('admin', 'jobs:write'))}"}

    async def attack() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=60) as client:
            estimates = [
                asyncio.create_task(client.post("/v1/estimates", json=SMALLEST, headers=reader))
                for _ in range(200)
            ]
            await asyncio.wait(estimates, return_when=asyncio.FIRST_COMPLETED)
            assert (await client.get("/readyz", timeout=LONG_SECONDS)).status_code == 200
            assert not all(estimate.done() for estimate in estimates)  # some still wait for the Hub
            refused = [await first for first in islice(asyncio.as_completed(estimates), MANY)]
            for estimate in estimates:
                estimate.cancel()
            return refused

    refused = asyncio.run(attack())
    assert {answer.status_code for answer in refused} <= {429, 503}  # 429: one owner may have so many open
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert "Too many estimates" in " ".join(answer.json()["detail"] for answer in refused)


def test_the_probe_answers_while_many_pictures_are_drawn(
    anonymous: TestClient, client_of: ClientOf, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = Event()
    monkeypatch.setattr(pictures.Picture, "draw", lambda *_: b"<svg/>" if go_on.wait(60) else b"")
    finished = [jobs.running() for _ in range(60)]
    for claim in finished:
        jobs.succeed(claim)
    key, other = ({"Authorization": client_of(owner).headers["Authorization"]} for owner in ("ada", "eve"))
    with ThreadPoolExecutor(MANY + 1) as pool:
        drawn = [
            pool.submit(anonymous.get, f"/jobs/{claim.job_id}/picture.svg?narrow={narrow}", headers=key)
            for claim in finished
            for narrow in ("false", "true")
        ]
        try:
            assert pool.submit(anonymous.get, "/readyz").result(LONG_SECONDS).status_code == 200
            assert pool.submit(anonymous.get, "/v1/jobs", headers=other).result(LONG_SECONDS).is_success
        finally:
            go_on.set()
        statuses = [future.result().status_code for future in drawn]
    assert len(drawn) == MANY
    assert {200, 503} <= set(statuses) <= {200, 429, 503}
    assert statuses.count(200) >= 16


@pytest.mark.parametrize("hangs", ["opening", "reading"])
def test_a_store_that_hangs_keeps_no_other_request_waiting(
    anonymous: TestClient, client_of: ClientOf, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    go_on = Event()

    def pieces() -> Iterator[bytes]:
        assert hangs == "opening" or go_on.wait(120)
        yield b"content"

    def stream(*_: object) -> Iterator[bytes]:
        assert hangs == "reading" or go_on.wait(120)
        return pieces()

    monkeypatch.setattr(Store, "stream", stream)
    claim = jobs.running()
    jobs.succeed(claim, [FinishedArtifact("model.safetensors", "jobs/file", 7, "00" * 32)])
    key, other = ({"Authorization": client_of(owner).headers["Authorization"]} for owner in ("ada", "eve"))
    (file,) = anonymous.get(f"/v1/jobs/{claim.job_id}/artifacts", headers=key).json()["items"]
    resources = anonymous.app.state.resources  # type: ignore[attr-defined]
    with ThreadPoolExecutor(MAX_OPEN_REQUESTS + 1) as pool:
        paths = [file["url"], f"/jobs/{claim.job_id}/files.tar"] * (MAX_OPEN_REQUESTS // 2)
        downloads = [pool.submit(anonymous.get, path, headers=key) for path in paths]

        def all_hang_or_are_refused() -> bool:
            answered = sum(download.done() for download in downloads)
            if hangs == "opening":
                return answered == 36  # one owner has 64 places
            return bool(resources.open_requests._open["ada"] + answered == len(downloads))

        try:
            eventually(all_hang_or_are_refused, seconds=60)
            assert pool.submit(anonymous.get, "/v1/jobs", headers=other).result(LONG_SECONDS).is_success
        finally:
            go_on.set()
        answers = [download.result() for download in downloads]
    for answer in answers:
        if answer.status_code == 200:
            continue
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "wait for the artifact store" in answer.text


@pytest.fixture
def patient_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cancels no statement of a request while the test lasts."""
    for name in ("LOCK_SECONDS", "STATEMENT_SECONDS"):
        monkeypatch.setattr(jobs_database, name, 60.0)


@pytest.mark.parametrize("action", ["submit", "cancel"])
def test_sweeps_of_one_owner_leave_database_connections_to_others(
    patient_database: None, anonymous: TestClient, client_of: ClientOf, database: Database, action: str
) -> None:
    """However long one that comes first holds the owner's locks."""
    ada, eve = client_of("ada"), client_of("eve")
    sweep = {"vary": {"sparsity": [0.3, 0.4]}}
    path = f"/v1/sweeps/{submit_sweep(ada, **sweep)['id']}/cancel" if action == "cancel" else "/v1/sweeps"
    with ThreadPoolExecutor(12) as pool:
        with database.begin() as first:
            advisory_lock(first, "queue of ada")
            first.execute(select(Sweep).with_for_update())
            sent = [pool.submit(ada.post, path, json={"job": JOB} | sweep) for _ in range(12)]

            def all_wait_or_are_refused() -> bool:
                return waiting_for_locks(database) + sum(each.done() for each in sent) == len(sent)

            eventually(all_wait_or_are_refused)
            assert eve.get("/v1/jobs").status_code == 200
            refused = [each.result() for each in sent if each.done()]
            assert {answer.status_code for answer in refused} == {503}
            assert all("Too many sweeps" in answer.json()["detail"] for answer in refused)
            assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
        assert [each.result().is_success for each in sent].count(True) == len(sent) - len(refused)
    assert ada.post(path, json={"job": JOB} | sweep).is_success


def waiting(pool: BoundedPool, go_on: Event, owner: str) -> "asyncio.Task[bool]":
    return asyncio.create_task(pool.run(owner, partial(go_on.wait, LONG_SECONDS)))


def test_one_owner_cannot_fill_the_pool() -> None:
    async def fill() -> None:
        pool, go_on = BoundedPool("test", threads=1, capacity=3, per_owner=2, refusal="Later."), Event()
        held = [waiting(pool, go_on, owner) for owner in ("eve", "eve", "ada")]
        await asyncio.sleep(0)
        for owner in ("eve", "bob"):
            with pytest.raises(ServiceUnavailable, match=r"Later\."):
                await pool.run(owner, UUID)
        go_on.set()
        assert await asyncio.gather(*held) == [True, True, True]
        assert await pool.run("eve", lambda: 7) == 7
        pool.close()

    asyncio.run(fill())


@pytest.mark.parametrize("fails", [False, True])
def test_every_pool_is_closed_with_the_application(settings: Settings, fails: bool) -> None:
    resources = AppResources.of(settings)

    async def serve() -> None:
        async with resources.running():
            if fails:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) if fails else nullcontext():
        asyncio.run(serve())
    for pool in (resources.hub, resources.disk, resources.pictures, resources.store_pool):
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.start("ada", UUID)


def test_one_owner_cannot_take_all_threads_of_estimates(settings: Settings) -> None:
    """With the numbers that are shipped: a place alone would only be one in a queue."""

    async def fill() -> int:
        pool, go_on = AppResources.of(settings).hub, Event()
        held = [waiting(pool, go_on, "eve") for _ in range(100)]
        await asyncio.sleep(0)
        try:
            answers = [asyncio.wait_for(pool.run("ada", lambda: 7), LONG_SECONDS / 2) for _ in range(4)]
            assert await asyncio.gather(*answers) == [7] * 4
        finally:
            go_on.set()
            done = await asyncio.gather(*held, return_exceptions=True)
            pool.close()
        return done.count(True)

    assert asyncio.run(fill()) > 0


def test_what_a_client_abandons_keeps_its_place_until_it_is_done() -> None:
    async def abandon() -> None:
        pool, go_on = BoundedPool("test", threads=1, capacity=1, per_owner=1, refusal="Later."), Event()
        running = waiting(pool, go_on, "eve")
        await asyncio.sleep(0.1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        with pytest.raises(ServiceUnavailable):
            await pool.run("ada", UUID)
        go_on.set()
        pool.close()

    asyncio.run(abandon())


def test_a_hub_that_drips_bytes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.spec import model_shape
    from pruning.recipe import ModelReference

    monkeypatch.setattr(model_shape, "_TOTAL_SECONDS", 1.0)
    never: Future[None] = Future()

    def drip(hub: socket.socket) -> None:
        connection, _ = hub.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not never.done():
                try:
                    connection.sendall(b" ")
                except OSError:
                    return
                Event().wait(0.05)

    with socket.create_server(("127.0.0.1", 0)) as hub, ThreadPoolExecutor(1) as pool:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.getsockname()[1]}")
        pool.submit(drip, hub)
        try:
            with pytest.raises(model_shape.HubUnavailable, match="the Hub does not answer"):
                model_shape._fetch(ModelReference(id="org/name"), None)
        finally:
            never.set_result(None)


def test_many_streams_of_one_owner_take_a_part_of_the_process() -> None:
    """One event makes each of them read."""
    streams = Streams(Listener("", EVENTS), sessionmaker())
    reading, most = 0, 0

    def read() -> None:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        time.sleep(0.02)
        reading -= 1

    async def attack() -> float:
        many = [asyncio.create_task(streams.read_in_turn("ada", read)) for _ in range(20)]
        await asyncio.sleep(0)
        began = time.monotonic()
        await streams.read_in_turn("eve", lambda: None)
        assert not all(one.done() for one in many)  # another owner waits for none of them
        await asyncio.gather(*many)
        return time.monotonic() - began

    assert asyncio.run(attack()) > 20 * 0.02 + 19 * 0.08
    assert most == 1
