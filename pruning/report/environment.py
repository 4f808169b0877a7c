"""Where the run was."""

import importlib.metadata
import platform
import re
from typing import Literal, Self

from pydantic import Field

from pruning.report.base import Facts
from pruning.version import pruneserve_version


class Environment(Facts):
    """The environment of the run. Equal recipes give equal results on the same kind of device."""

    python: str = Field(description="Version of Python.")
    torch: str = Field(description="Version of PyTorch.")
    transformers: str = Field(description="Version of transformers.")
    pruneserve: str = Field(description="Version of PruneServe.")
    device: str = Field(description="`cpu`, or the CUDA device with its name; several are separated by `, `.")
    dtype: str = Field(description="Dtype of the computation; sums are float32 at least.")
    threads: int = Field(description="Threads that computed on the CPU.")
    attention: str = Field(description="The attention implementation.")
    schedule: Literal["whole", "streamed"] | None = Field(
        None, description="Schedule of the gradients; null where none were computed."
    )
    micro_batch: int | None = Field(None, description="Windows that shared a pass for the gradients.")
    deterministic: bool | None = Field(
        None,
        description="Whether another computation of the gradients here gives the same bits; null where none "
        "were computed.",
    )

    @property
    def device_names(self) -> str:
        """The devices as a run takes them: `cpu`, or `cuda:0,cuda:1`."""
        return ",".join(re.findall(r"(?:^|, )(cpu|cuda:\d+)", self.device))

    @classmethod
    def here(
        cls,
        *,
        device: str,
        dtype: str,
        threads: int,
        attention: str,
        schedule: Literal["whole", "streamed"] | None = None,
        micro_batch: int | None = None,
        deterministic: bool | None = None,
    ) -> Self:
        """Return the environment of this process: the installed versions and the given settings."""
        return cls(
            python=platform.python_version(),
            torch=importlib.metadata.version("torch"),
            transformers=importlib.metadata.version("transformers"),
            pruneserve=pruneserve_version(),
            device=device,
            dtype=dtype,
            threads=threads,
            attention=attention,
            schedule=schedule,
            micro_batch=micro_batch,
            deterministic=deterministic,
        )
