"""The client of the REST API: jobs, their events and files, sweeps; `resources` has everything else.

It has one method per request, and methods that follow a job or a sweep to its end.

with Client("http://127.0.0.1:8642", key) as client:
    job = client.submit({"model": "org/name", "method": "gblm", "sparsity": 0.5})
    job = client.wait(job.id, on_event=lambda event: print(event.kind, event.data))
    for artifact in client.artifacts(job.id):
        client.download(artifact, Path("pruned"))
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast
from uuid import UUID, uuid4

import httpx
from httpx_sse import EventSource

from pruneserve_client.errors import NoStream, PruneServeError, may_pass
from pruneserve_client.files import Downloadable
from pruneserve_client.models import (
    ArtifactItem,
    ArtifactList,
    Estimate,
    Event,
    EventList,
    JobDetail,
    JobPage,
    JobSummary,
    SweepDetail,
)
from pruneserve_client.resources import Resources
from pruneserve_client.transport import Transport, body_of, download_file
from pruneserve_client.wire import (
    PAGE,
    PATIENCE_SECONDS,
    POLL_SECONDS,
    STREAM_TIMEOUT,
    Body,
    ignore,
    parse,
    query_params,
    retry,
)

Item = TypeVar("Item")
Whole = TypeVar("Whole", JobDetail, SweepDetail)


class Client(Resources):
    """A client of one PruneServe server; a context manager, which keeps the connection open meanwhile.

    Every method raises `Unavailable` if the server does not answer, and `Rejected` if it refuses the request.
    Methods with `patience` retry for that many seconds, with exponential backoff, before `Unavailable`.
    """

    def __init__(self, url: str, key: str) -> None:
        """`url` is the server's address without a path, `key` an API key (`ps_…`)."""
        self._transport = Transport(url, key)
        self.url = self._transport.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. A client that is a context manager does it by itself."""
        self._transport.close()

    # Jobs

    def submit(self, job: Body, *, idempotency_key: str | None = None, patience: float = 0.0) -> JobDetail:
        """Submit a job: a `JobRequest`, or its JSON object.

        The server creates one job per `idempotency_key`, however often the request is sent. By default the
        key is new.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        return retry(lambda: self._transport.post("/v1/jobs", JobDetail, job, headers), patience)

    def estimate(self, job: Body) -> Estimate:
        """Return what a job would take. Nothing is submitted."""
        return self._transport.post("/v1/estimates", Estimate, job)

    def job(self, job_id: UUID) -> JobDetail:
        """Return one job, with its report once it has succeeded."""
        return self._transport.get(f"/v1/jobs/{job_id}", JobDetail)

    def jobs(  # noqa: PLR0913 - every filter of the list is one
        self,
        *,
        state: Sequence[str] = (),
        method: str | None = None,
        model: str | None = None,
        search: str | None = None,
        gate: str | None = None,
        label: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        order: str | None = None,
        limit: int = 50,
    ) -> Iterator[JobSummary]:
        """Yield at most `limit` jobs, newest first, or by `order="oldest"` the other way round.

        A job matches any of the states and all of the labels, which are written `name=value`; `gate` is
        `passed`, `failed` or `inconclusive`, `search` is a part of the model's name. `since` and `until`,
        with their time zones, are of its submission.
        """
        filters: dict[str, Any] = {"state": state, "method": method, "model": model, "search": search}
        filters |= {"gate": gate, "label": label, "order": order, "since": since, "until": until}
        cursor = None
        while limit > 0:
            query = {**filters, "cursor": cursor, "limit": min(limit, PAGE)}
            page = self._transport.get("/v1/jobs", JobPage, **query)
            yield from page.items
            limit -= len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return

    def cancel(self, job_id: UUID, *, owner: str | None = None) -> JobDetail:
        """Cancel a job: at once if it is queued, at its next step, within 10 s, if it is running.

        Another `owner`'s job needs an admin key.
        """
        return self._request_for(f"/v1/jobs/{job_id}/cancel", JobDetail, owner=owner)

    def retry(self, job_id: UUID) -> JobDetail:
        """Queue a failed or cancelled job again. It resumes after its last finished block."""
        return self._request_for(f"/v1/jobs/{job_id}/retry", JobDetail)

    def delete(self, job_id: UUID) -> None:
        """Delete a job that has ended, with its files and the gradients that it has stored for later jobs."""
        self._delete(f"/v1/jobs/{job_id}")

    # Events

    def events(self, job_id: UUID, *, after: int = 0) -> Iterator[Event]:
        """Yield the events of a job so far, oldest first, from the one that follows the event `after`."""
        path = f"/v1/jobs/{job_id}/events"
        while page := self._transport.get(path, EventList, after=after).items:
            yield from page
            after = page[-1].id

    def stream(self, job_id: UUID, *, after: int = 0) -> Iterator[Event]:
        """Yield the events of a job as they happen, over one connection, until the server ends it.

        Raises `NoStream` where the response is not an event stream: use `events` there. `follow` does both.
        """
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after), "Cache-Control": "no-store"}
        path = f"/v1/jobs/{job_id}/events"
        with self._transport.exchange("GET", path, headers=headers, timeout=STREAM_TIMEOUT) as response:
            if response.status_code == httpx.codes.NO_CONTENT:
                return
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise NoStream("the response is not an event stream")
            with _closing(EventSource(response).iter_sse()) as messages:
                for message in messages:
                    if message.data:
                        yield parse(Event, message.data)

    def follow(
        self,
        job_id: UUID,
        *,
        after: int = 0,
        on_outage: Callable[[PruneServeError], object] = ignore,
        patience: float = PATIENCE_SECONDS,
    ) -> Iterator[Event | JobDetail]:
        """Yield every event of a job once and in order, and finally the job, once it has ended.

        `on_outage` is called with an error once for each time that the server is unavailable.
        A stream that breaks off is resumed. Raises `Unavailable` after `patience` seconds without an answer,
        or, once the server has answered, with those of something else in its place.
        """
        read, answered = self.stream, False
        while True:
            try:
                with _closing(read(job_id, after=after)) as events:
                    for event in events:
                        after, answered = event.id, True
                        yield event
            except NoStream:
                read = self.events
                continue
            except PruneServeError as error:
                if not may_pass(error, answered=answered):
                    raise
                # The next request waits until the server is back.
            # A retry may have queued the job again after its last event, so ask for the job.
            job = retry(partial(self.job, job_id), patience, answered=answered, on_outage=on_outage)
            answered = True
            if job.ended:
                events_after = partial(self._events_after, job_id, after)
                yield from retry(events_after, patience, answered=True)
                yield job
                return
            time.sleep(POLL_SECONDS)

    def wait(
        self,
        job_id: UUID,
        *,
        on_event: Callable[[Event], object] = ignore,
        on_outage: Callable[[PruneServeError], object] = ignore,
        patience: float = PATIENCE_SECONDS,
    ) -> JobDetail:
        """Return a job once it has ended, in any state. `on_event` is called with each of its events.

        `on_outage` and `patience` as in `follow`.
        """
        job: JobDetail | None = None
        with _closing(self.follow(job_id, on_outage=on_outage, patience=patience)) as items:
            for item in items:
                if isinstance(item, Event):
                    on_event(item)
                else:
                    job = item
        assert job is not None  # noqa: S101 - `follow` ends with the job, or raises
        return job

    def _events_after(self, job_id: UUID, after: int) -> list[Event]:
        return list(self.events(job_id, after=after))

    # Files

    def artifacts(self, job_id: UUID) -> list[ArtifactItem]:
        """Return the files of a job, by name; there are none before it has succeeded."""
        return self._transport.get(f"/v1/jobs/{job_id}/artifacts", ArtifactList).items

    def download(
        self,
        file: Downloadable,
        directory: Path,
        *,
        on_bytes: Callable[[int], object] = ignore,
        patience: float = 0.0,
    ) -> Path:
        """Download a file into `directory` and return its path. A file whose checksum differs is not kept.

        A download that breaks off leaves a partial file in the directory (`.part`), which the next call
        resumes; with `patience` the same call does, until nothing new has arrived for so many seconds.
        `on_bytes` is called with the size of each piece that is there, and with a negative size where the
        server begins again. Raises `UnsafeName` if the name leads out of the directory, `DamagedDownload` if
        the checksum differs, and `OSError`.
        """
        return download_file(self._transport, file, directory, on_bytes, patience)

    # Sweeps

    def submit_sweep(
        self, sweep: Body, *, idempotency_key: str | None = None, patience: float = 0.0
    ) -> SweepDetail:
        """Submit the jobs of a sweep, or the first job of a search: a `SweepRequest`, or its JSON object.

        The server creates one sweep per `idempotency_key`, as `submit` does with jobs.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        return retry(lambda: self._transport.post("/v1/sweeps", SweepDetail, sweep, headers), patience)

    def sweep(self, sweep_id: UUID) -> SweepDetail:
        """Return a sweep with its jobs."""
        return self._transport.get(f"/v1/sweeps/{sweep_id}", SweepDetail)

    def follow_sweep(self, sweep_id: UUID, *, patience: float = PATIENCE_SECONDS) -> Iterator[SweepDetail]:
        """Yield the sweep every two seconds, the last time after it has ended."""
        answered = False
        while True:
            sweep = retry(partial(self.sweep, sweep_id), patience, answered=answered)
            answered = True
            yield sweep
            if sweep.state != "running":
                return
            time.sleep(POLL_SECONDS)

    def cancel_sweep(self, sweep_id: UUID) -> SweepDetail:
        """Cancel every job of a sweep that has not ended."""
        return self._request_for(f"/v1/sweeps/{sweep_id}/cancel", SweepDetail)

    def _request_for(self, path: str, whole: type[Whole], **query: str | None) -> Whole:
        with self._transport.exchange("POST", path, params=query_params(query)) as received:
            return parse(whole, body_of(received))


def _closing(items: Iterator[Item]) -> "closing[Generator[Item, None, None]]":
    """Return a context at whose end `items`, a generator, lets go of its connection."""
    return closing(cast("Generator[Item, None, None]", items))
