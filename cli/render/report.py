"""The part of a job's report that the commands show."""

from collections.abc import Callable, Iterator

from pydantic import BaseModel, JsonValue, ValidationError

from cli.terminal import size
from pruneserve_client.models import JobDetail


class StageCost(BaseModel):
    """What one stage took."""

    name: str
    seconds: float
    peak_memory_bytes: int


class Sparsity(BaseModel):
    """The measured sparsity."""

    overall: float


class Structure(BaseModel):
    """What was taken out of the model."""

    parameters: int
    dense_parameters: int
    left: str = ""

    @property
    def text(self) -> str:
        """The parameters that are left, in part in the server's words. Not yet escaped."""
        counts = f"{self.parameters:,} of {self.dense_parameters:,}"
        fewer = f", {1 - self.parameters / self.dense_parameters:.1%} fewer" if self.dense_parameters else ""
        return f"{counts}{fewer}{f': {self.left}' if self.left else ''}"


class Speed(BaseModel):
    """Size and speed beside the dense model."""

    bytes: int
    dense_bytes: int
    speedup: float | None = None
    rates: list[dict[str, JsonValue]] = []

    @property
    def text(self) -> str:
        """The size, and how many times as fast the result is if that was measured."""
        sizes = f"{size(self.bytes)} of {size(self.dense_bytes)}"
        if not self.rates:
            return sizes
        if self.speedup is None:
            return f"{sizes}; the speed-up is not measurable: the noise exceeds the gain"
        return f"{sizes}; {self.speedup:.2f} times as fast as the dense model"


class Fidelity(BaseModel):
    """How near the pruned model's predictions are to the dense model's."""

    kl: float | None = None
    agreement: float | None = None

    def __str__(self) -> str:
        """Say both figures; nothing where they were not measured."""
        if self.kl is None or self.agreement is None:
            return ""
        return f"KL {self.kl:.4f} nats per token; the same most probable token in {self.agreement:.1%}"


class ReportExcerpt(BaseModel):
    """The fields that the commands read; the report has many more."""

    stages: list[StageCost]
    sparsity: Sparsity
    structure: Structure | None = None
    speed: Speed | None = None
    perplexity: Fidelity = Fidelity()
    warnings: list[str] = []

    def measured(self, escape: Callable[[str], str]) -> Iterator[tuple[str, str]]:
        """Yield name and text of what was measured of the result; `escape` is for texts of the server."""
        if self.structure:
            yield "parameters", escape(self.structure.text)
        if self.speed:
            yield "size", self.speed.text
        if fidelity := str(self.perplexity):
            yield "against dense", fidelity
        if self.sparsity.overall:
            yield "zeros", f"{self.sparsity.overall:.2%} of the weights in the pruned layers"


def report_of(job: JobDetail) -> ReportExcerpt | None:
    """Return the excerpt of a job's report; None without a report, or with one of another version."""
    try:
        return ReportExcerpt.model_validate(job.report, from_attributes=True)
    except ValidationError:
        return None
