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
        description="Scratch directory of a worker. It holds one pruned model and its shards.",
    )
    device: str = Field(
        "auto",
        description="`auto`, `cpu`, `cuda`, or GPUs that share each job, such as `cuda:0,cuda:1`. A "
        "worker without the device takes no jobs.",
    )
    queues: ByColons[QueueName] = Field(
        (),
        max_length=16,
        description="The classes whose jobs a worker runs, separated by `:`; the first is its own. When "
        "unset, its class is that of its device and memory, such as `cpu`, `gpu.24g` or "
        "`gpu.2x80g`, and it runs every job that fits it.",
    )
    sandbox: Literal["best-effort", "require"] = Field(
        "best-effort",
        description="How strictly the process is confined that reads configs, tokenizers and texts: as "
        "far as the kernel allows (`best-effort`), or the worker takes no jobs unless every "
        "layer holds (`require`).",
    )
    job_memory_bytes: int | None = Field(
        None,
        ge=2**27,
        description="Host memory that a job's processes may hold, without mapped files. Nine tenths of "
        "the machine's or its container's when unset.",
    )
    shutdown_seconds: float = Field(
        20.0,
        gt=0,
        description="Seconds that a job has to finish its block when its worker shuts down, before it is "
        "killed. It is handed back in both cases.",
    )
