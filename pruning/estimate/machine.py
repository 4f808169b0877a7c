"""The machine that a job will run on."""

from pydantic import BaseModel, ConfigDict, Field


class Machine(BaseModel):
    """A worker's device, as it was measured when the worker started."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    device: str = Field(description="`cpu`, or the CUDA device with its name; several are separated by `, `.")
    devices: int = Field(1, ge=1, description="Devices that share a job. The rates are those of one.")
    memory_bytes: int = Field(
        gt=0, description="Memory of the device that computes; of several, of the smallest."
    )
    operations_per_second: dict[str, float] = Field(
        description="Rate of large matrix products, by each dtype that the device can compute with."
    )
    bytes_per_second: float = Field(gt=0, description="Rate of reading and writing the device's memory.")
    measured: bool = Field(
        True, description="False if the figures are assumed, because no live worker was measured."
    )

    @property
    def kind(self) -> str:
        """`cpu` or `cuda`."""
        return "cuda" if self.device.startswith("cuda") else "cpu"

    def rate(self, dtype: str) -> float:
        """Return the operations per second in a dtype; the slowest rate for one that was not measured."""
        return self.operations_per_second.get(dtype, min(self.operations_per_second.values()))


ASSUMED = Machine(
    device="cpu",
    memory_bytes=16 * 1024**3,
    operations_per_second={"float32": 1e11},
    bytes_per_second=1e10,
    measured=False,
)
"""A small machine without a GPU, assumed if no live worker was measured."""
