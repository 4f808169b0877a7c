"""Parameters that several routes take: ids in paths, and the `Idempotency-Key`."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Request

JobId = Annotated[UUID, Path(description="The job's `id`.")]
ArtifactId = Annotated[UUID, Path(description="The artifact's `id`.")]
KeyId = Annotated[UUID, Path(description="The key's `id`.")]
UploadId = Annotated[UUID, Path(description="The upload's `id`.")]
WebhookId = Annotated[UUID, Path(description="The webhook's `id`.")]
DeliveryId = Annotated[UUID, Path(description="The delivery's `id`.")]
SweepId = Annotated[UUID, Path(description="The sweep's `id`.")]
FileId = Annotated[UUID, Path(description="The file's `id`.")]


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A key that makes a repeated request safe, and the body that was sent with it."""

    key: str
    body: bytes


async def _idempotency(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern=r"^[!-~]+$",
            description="Makes a repeated request safe: the same key and body return what the first one "
            "made.",
        ),
    ] = None,
) -> Idempotency | None:
    return None if idempotency_key is None else Idempotency(idempotency_key, await request.body())


IdempotencyKey = Annotated[Idempotency | None, Depends(_idempotency)]
