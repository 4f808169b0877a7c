"""`AsyncClient` does its whole work on one event loop, against the real API."""

import asyncio
import hashlib
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.storage.store import Store, attempt_prefix
from pruneserve_client import AsyncClient, DamagedDownload, NotFound
from pruneserve_client.models import Event, JobDetail
from tests.api.drive import Jobs
from tests.client.conftest import Account

BODY = {"model": "org/name", "method": "wanda", "sparsity": 0.5}
CONTENT = bytes(range(256)) * 8192  # two pieces


class BrokenOff(Exception):
    """The caller has had enough."""


def test_everything_that_a_program_does(
    account: Account, settings: Settings, database: sessionmaker[Session], tmp_path: Path
) -> None:
    asyncio.run(_everything(AsyncClient(*account), settings, database, tmp_path))


async def _everything(
    client: AsyncClient, settings: Settings, database: sessionmaker[Session], directory: Path
) -> None:
    async with client:
        text = directory / "lines.txt"
        text.write_text("one\ntwo\n")
        upload, again = await asyncio.gather(client.upload(text), client.upload(b"three\n", name="three"))
        assert upload.sha256 == hashlib.sha256(text.read_bytes()).hexdigest()
        assert {each.id async for each in client.uploads()} == {upload.id, again.id}

        jobs = [await client.submit(BODY, idempotency_key=name) for name in ("first", "second")]
        assert (await client.submit(BODY, idempotency_key="first")).id == jobs[0].id
        assert [each.id async for each in client.jobs()] == [job.id for job in jobs[::-1]]
        events: list[Event] = []
        waiting = asyncio.gather(client.wait(jobs[0].id, on_event=events.append), _last(client, jobs[1].id))
        await asyncio.sleep(0)
        await asyncio.to_thread(_succeed, database, settings, jobs[0].id, directory)
        await client.cancel(jobs[1].id)
        done, cancelled = await waiting
        assert (done.state, cancelled.state) == ("succeeded", "cancelled")
        assert [event.id for event in events] == [*range(1, len(events) + 1)]
        assert {"state"} <= {event.kind for event in events}

        await _download(client, done.id, directory / "pruned")

        hook = await client.create_webhook({"url": "https://hooks.example.org/a", "events": ["job.failed"]})
        changed = await client.change_webhook(hook.id, {"events": ["job.succeeded"]})
        assert changed.events == ["job.succeeded"]
        await client.delete_webhook(hook.id)
        with pytest.raises(NotFound):
            await client.webhook(hook.id)


async def _last(client: AsyncClient, job_id: UUID) -> JobDetail:
    seen = [item async for item in client.follow(job_id)]
    assert isinstance(seen[-1], JobDetail)
    return seen[-1]


async def _download(client: AsyncClient, job_id: UUID, directory: Path) -> None:
    """A file arrives whole, and goes on where it broke off: what was spoilt meanwhile is noticed."""
    (artifact,) = await client.artifacts(job_id)

    def first_piece_only(count: int) -> None:
        raise BrokenOff

    for spoilt in (True, False):
        with pytest.raises(BrokenOff):
            await client.download(artifact, directory, on_bytes=first_piece_only)
        (part,) = directory.iterdir()
        assert 0 < part.stat().st_size < len(CONTENT)
        if spoilt:
            with part.open("r+b") as file:
                file.write(b"spoilt")
            with pytest.raises(DamagedDownload):
                await client.download(artifact, directory)
            assert list(directory.iterdir()) == []
    pieces: list[int] = []
    path = await client.download(artifact, directory, on_bytes=pieces.append)
    assert path.read_bytes() == CONTENT
    assert sum(pieces) == len(CONTENT)


def _succeed(database: sessionmaker[Session], settings: Settings, job_id: UUID, directory: Path) -> None:
    with database.begin() as session:
        claim = lifecycle.claim(session, job_id, "w1", 3000)
    assert claim is not None
    file = directory / "weights"
    file.write_bytes(CONTENT)
    stored = Store(settings.store_url).put_file(f"{attempt_prefix(job_id, 1)}/weights", file)
    Jobs(database).succeed(claim, [FinishedArtifact("weights", stored.key, stored.size, stored.sha256)])
