"""What a request may say about the worker that runs its job."""

from typing import Annotated

from pydantic import Field

from pruning.recipe import StrictModel

_Room = Annotated[int, Field(ge=0, le=10**16)]


class Placement(StrictModel):
    """What the job needs of its worker, in place of what the service estimates."""

    gpus: int | None = Field(
        None, ge=0, le=64, description="GPUs that share the job, at least; 0 lets it run on a CPU."
    )
    device_memory_bytes: _Room | None = Field(None, description="Free memory of each GPU.")
    host_memory_bytes: _Room | None = Field(None, description="Memory of the host.")
    scratch_bytes: _Room | None = Field(None, description="Room on the scratch disk.")
