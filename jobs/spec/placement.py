"""What a request may say about the worker that runs its job."""

from typing import Annotated, Any

from pydantic import Field

from pruning.recipe import StrictModel

# More than any machine has.
_MOST_BYTES = 16 * 2**40
_MOST_GPUS = 16
_Room = Annotated[int, Field(ge=0, le=_MOST_BYTES)]


class Placement(StrictModel):
    """What the job needs of its worker, in place of what the service estimates."""

    gpus: int | None = Field(
        None, ge=0, le=_MOST_GPUS, description="GPUs that share the job, at least; 0 lets it run on a CPU."
    )
    device_memory_bytes: _Room | None = Field(None, description="Free memory of each GPU.")
    host_memory_bytes: _Room | None = Field(None, description="Memory of the host.")
    scratch_bytes: _Room | None = Field(None, description="Room on the scratch disk.")


def within_limits(stored: Any) -> Any:  # noqa: ANN401 - whatever is validated
    """Lower the numbers of a stored placement to the limits: requests were once taken with larger ones."""
    if not isinstance(stored, dict):
        return stored
    return {
        name: min(said, _MOST_GPUS if name == "gpus" else _MOST_BYTES) if isinstance(said, int) else said
        for name, said in stored.items()
    }
