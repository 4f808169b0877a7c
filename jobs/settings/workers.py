"""What a worker computes on, and the limits of what it holds."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from jobs.settings.lists import ByColons

QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class Workers(BaseModel):
    """What a worker computes on, and the limits of what it holds."""

    work_dir: Path = Field(
        Path("/var/lib/pruneserve/work"),
        description="Scratch directory of a worker. It holds one pruned model, its shards, and the "
        "calibration windows between two blocks.",
    )
    device: str = Field(
        "auto",
        description="`auto`, `cpu` or `cuda`: the device that a worker computes on; or GPUs that share each "
        "of its jobs, such as `cuda:0,cuda:1`. A worker without that device takes no jobs; with `auto`, "
        "neither does one with an NVIDIA GPU that torch cannot use.",
    )
    queues: ByColons[QueueName] = Field(
        (),
        max_length=16,
        description="The classes whose jobs a worker runs, separated by `:`; the first is its own. When "
        "unset, its class is named by its device and the memory that was free when it started, such as "
        "`cpu`, `gpu.24g` or `gpu.2x80g`, and it runs every job that fits it.",
    )
    sandbox: Literal["best-effort", "require"] = Field(
        "best-effort",
        description="How strictly a worker confines the process that reads configs, tokenizers and texts: as "
        "far as the kernel allows (`best-effort`), or in every way, or the worker takes no jobs (`require`).",
    )
    job_memory_bytes: int | None = Field(
        None,
        ge=2**27,
        description="Memory of the host that a job's processes may hold, without mapped files; a job that "
        "holds more fails. Nine tenths of the machine's memory, or of its container's, when unset.",
    )
    min_free_disk_bytes: int = Field(
        2**28, ge=0, description="Free bytes on the scratch disk that a job needs to start and to go on."
    )
    quarantine_seconds: float = Field(
        60.0, gt=0, description="Seconds between two self-tests of a worker that takes no jobs."
    )
