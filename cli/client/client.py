"""A small typed client of the service's REST API.

with Client("http://127.0.0.1:8642", key) as client:
    job = client.submit({"model": "org/name", "method": "gblm", "sparsity": 0.5}, idempotency_key="once")
    for event in client.stream(job.id, after=0):
        print(event.data)
    print(client.job(job.id).perplexity)
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

import httpx
from httpx_sse import EventSource
from pydantic import ValidationError

from cli.client.models import (
    Answer,
    Artifact,
    ArtifactList,
    Estimate,
    Event,
    EventList,
    Job,
    JobPage,
    Key,
    KeyPage,
    NewKey,
    Problem,
    Sweep,
    ZooEntry,
)

# The longest silence in an event stream: the server sends a comment every 15 seconds.
_SILENCE_SECONDS = 60.0
_PAGE = 100

Kind = TypeVar("Kind", bound=Answer)


class ClientError(Exception):
    """A request that did not give what was asked for. The message may hold the server's own text."""


class Unreachable(ClientError):
    """No answer, or one that may be different later."""


class Refused(ClientError):
    """The server understood and said no: the same request would be refused again."""


class NoStream(ClientError):
    """Something between here and the server does not pass event streams on: ask for the events instead."""


class Client:
    """One method per request. Each raises `Unreachable` or `Refused` where it cannot do what it says."""

    def __init__(self, url: str, key: str) -> None:
        """`url` is the server's address, without a path."""
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=httpx.Timeout(30.0, connect=10.0),
        )

    def __enter__(self) -> Self:
        """Keep the connection for several requests."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._http.close()

    def submit(self, body: Mapping[str, Any], *, idempotency_key: str) -> Job:
        """Make a job. The server makes it once per `idempotency_key`, however often the request is sent."""
        return self._call("POST", "/v1/jobs", Job, json=body, headers={"Idempotency-Key": idempotency_key})

    def estimate(self, body: Mapping[str, Any]) -> Estimate:
        """What a job would take. Nothing is made."""
        return self._call("POST", "/v1/estimates", Estimate, json=body)

    def job(self, job_id: UUID) -> Job:
        """One job, with its report once it has succeeded."""
        return self._call("GET", _path(job_id), Job)

    def jobs(self, *, limit: int, **filters: str | list[str] | None) -> Iterator[Job]:
        """The newest jobs that the filters let through, newest first."""
        query: dict[str, Any] = {name: value for name, value in filters.items() if value}
        while limit > 0:
            page = self._call("GET", "/v1/jobs", JobPage, params=query | {"limit": min(limit, _PAGE)})
            yield from page.items
            if page.next_cursor is None:
                return
            limit -= len(page.items)
            query["cursor"] = page.next_cursor

    def cancel(self, job_id: UUID) -> Job:
        """Cancel a job: at once if it is queued, after its current block if it runs."""
        return self._call("POST", _path(job_id, "cancel"), Job)

    def retry(self, job_id: UUID) -> Job:
        """Queue a job again that has failed or was cancelled. It goes on behind its finished blocks."""
        return self._call("POST", _path(job_id, "retry"), Job)

    def submit_sweep(self, body: Mapping[str, Any]) -> Sweep:
        """Make the jobs of a sweep, or the first of a search."""
        return self._call("POST", "/v1/sweeps", Sweep, json=body)

    def sweep(self, sweep_id: UUID) -> Sweep:
        """A sweep with its jobs."""
        return self._call("GET", f"/v1/sweeps/{sweep_id}", Sweep)

    def cancel_sweep(self, sweep_id: UUID) -> Sweep:
        """Cancel whatever of a sweep has not ended."""
        return self._call("POST", f"/v1/sweeps/{sweep_id}/cancel", Sweep)

    def make_key(self, wanted: Mapping[str, Any]) -> NewKey:
        """Make an API key. Its secret is in this answer and in no other."""
        return self._call("POST", "/v1/keys", NewKey, json=wanted)

    def keys(self, *, everyone: bool) -> Iterator[Key]:
        """The keys that are not revoked, newest first: the owner's, or everyone's for an admin."""
        query: dict[str, Any] = {"limit": _PAGE, "everyone": everyone}
        while True:
            page = self._call("GET", "/v1/keys", KeyPage, params=query)
            yield from page.items
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor

    def revoke_key(self, key_id: UUID) -> None:
        """End a key."""
        with self._answer("DELETE", f"/v1/keys/{key_id}"):
            pass

    def events(self, job_id: UUID, *, after: int) -> list[Event]:
        """What has happened to a job since the event `after`, oldest first."""
        return self._call("GET", _path(job_id, "events"), EventList, params={"after": after}).items

    def stream(self, job_id: UUID, *, after: int) -> Iterator[Event]:
        """What happens to a job after the event `after`, as it happens, until the server ends the stream.

        Raises `NoStream` where the answer is not a stream.
        """
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after), "Cache-Control": "no-store"}
        timeout = httpx.Timeout(10.0, read=_SILENCE_SECONDS)
        with self._answer("GET", _path(job_id, "events"), headers=headers, timeout=timeout) as response:
            if response.status_code == httpx.codes.NO_CONTENT:
                return
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise NoStream("the answer is not an event stream")
            for message in EventSource(response).iter_sse():
                if message.data:
                    yield _parsed(Event, message.data)

    def artifacts(self, job_id: UUID) -> list[Artifact]:
        """The files of a job, by name."""
        return self._call("GET", _path(job_id, "artifacts"), ArtifactList).items

    def zoo_files(self, slug: str) -> list[Artifact]:
        """The files of an entry in the zoo, by name."""
        return self._call("GET", f"/v1/zoo/{slug}", ZooEntry).files

    def download(self, artifact: Artifact, destination: Path, advance: Callable[[int], object]) -> None:
        """Write an artifact to the file `destination`: whole and with the right checksum, or not at all.

        `advance` is told the size of every piece that arrives.
        """
        partial = destination.with_name(f"{destination.name}.part")
        checksum = hashlib.sha256()
        try:
            with partial.open("wb") as file, self._answer("GET", artifact.url) as response:
                for piece in response.iter_bytes(1 << 20):
                    file.write(piece)
                    checksum.update(piece)
                    advance(len(piece))
            if checksum.hexdigest() != artifact.sha256:
                raise Unreachable(f"{artifact.name} arrived damaged (its checksum differs); try again")
            partial.replace(destination)
        finally:
            partial.unlink(missing_ok=True)

    def _call(self, verb: str, path: str, answer: type[Kind], **request: Any) -> Kind:  # noqa: ANN401
        with self._answer(verb, path, **request) as response:
            return _parsed(answer, response.read())

    @contextmanager
    def _answer(self, verb: str, path: str, **request: Any) -> Iterator[httpx.Response]:  # noqa: ANN401
        """A good answer with its body still to be read; every other way to end becomes one of our errors."""
        try:
            with self._http.stream(verb, path, **request) as response:
                if not response.is_success:
                    raise _failure(response.status_code, response.read())
                yield response
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.url} does not answer: {error or type(error).__name__}") from error


def _path(job_id: UUID, *more: str) -> str:
    return "/".join(("/v1/jobs", str(job_id), *more))


def _failure(status: int, body: bytes) -> ClientError:
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        message = f"HTTP {status} without a problem document: is this address a PruneServe server?"
    else:
        message = problem.detail + "".join(f"\n  {error.field}: {error.message}" for error in problem.errors)
    # 429 and 5xx say that the time was wrong, not the request.
    if status == httpx.codes.TOO_MANY_REQUESTS or httpx.codes.is_server_error(status):
        return Unreachable(message)
    return Refused(message)


def _parsed(answer: type[Kind], body: str | bytes) -> Kind:
    try:
        return answer.model_validate_json(body)
    except ValidationError as error:
        raise Refused(
            f"the answer is not a PruneServe server's {answer.__name__}; is the address right?"
        ) from error
