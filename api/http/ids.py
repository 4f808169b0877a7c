"""The ids in the paths of requests."""

from typing import Annotated
from uuid import UUID

from fastapi import Path

JobId = Annotated[UUID, Path(description="The job's `id`.")]
ArtifactId = Annotated[UUID, Path(description="The artifact's `id`.")]
KeyId = Annotated[UUID, Path(description="The key's `id`.")]
UploadId = Annotated[UUID, Path(description="The upload's `id`.")]
WebhookId = Annotated[UUID, Path(description="The webhook's `id`.")]
DeliveryId = Annotated[UUID, Path(description="The delivery's `id`.")]
SweepId = Annotated[UUID, Path(description="The sweep's `id`.")]
FileId = Annotated[UUID, Path(description="The file's `id`.")]
