"""How a command that followed a job ends: with which code, and what there is to say."""

from dataclasses import dataclass
from typing import Self

from cli.client.models import Job
from cli.terminal import Exit


@dataclass(frozen=True)
class Ending:
    """What has become of a job, or why it was not seen to its end."""

    code: int
    job: Job | None = None
    problem: str = ""  # may hold the server's own text

    @classmethod
    def of(cls, job: Job) -> Self:
        """Of a job that has ended."""
        if job.state == "failed":
            return cls(Exit.FAILED, job)
        if job.state == "cancelled":
            return cls(Exit.CANCELLED, job)
        return cls(Exit.GATE_MISSED if job.gate and job.gate.state == "failed" else Exit.OK, job)

    @property
    def title(self) -> str:
        """In a few words of our own."""
        return _TITLES.get(self.code, "interrupted; the job goes on")


_TITLES: dict[int, str] = {
    Exit.OK: "succeeded",
    Exit.FAILED: "failed",
    Exit.USAGE: "refused",
    Exit.GATE_MISSED: "gate missed",
    Exit.CANCELLED: "cancelled",
    Exit.TIMEOUT: "not finished in time; the job goes on",
    Exit.UNREACHABLE: "the server cannot be reached",
}
