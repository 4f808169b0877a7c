"""How a command that followed a job ended: the exit code, the job and the reason."""

from dataclasses import dataclass
from typing import Literal, Self

from cli.terminal import Exit
from pruneserve_client.models import JobDetail

Inconclusive = Literal["pass", "fail"]


@dataclass(frozen=True)
class Outcome:
    """The outcome of following a job."""

    code: int
    """An `Exit`, or 128 + the number of the signal that interrupted the command."""
    job: JobDetail | None = None
    """The job as it was last seen; None if it was never submitted."""
    problem: str = ""
    """Why the job was not followed to its end. It may hold the server's own text."""
    stale: bool = False
    """Whether the job may have another state by now."""
    inconclusive: Inconclusive = "fail"
    """What becomes of an inconclusive condition of the gate."""

    @classmethod
    def of(cls, job: JobDetail, inconclusive: Inconclusive = "fail") -> Self:
        """Return the outcome of a job that has ended."""
        if job.state == "failed":
            code = Exit.FAILED
        elif job.state == "cancelled":
            code = Exit.CANCELLED
        elif job.gate is None:
            code = Exit.OK if job.spec.gate is None else Exit.GATE_MISSED
        elif job.gate.state == "passed":
            code = Exit.OK
        elif job.gate.state == "inconclusive":
            code = Exit.OK if inconclusive == "pass" else Exit.INCONCLUSIVE
        else:  # also a verdict that only a newer server gives
            code = Exit.GATE_MISSED
        return cls(code, job, inconclusive=inconclusive)

    @property
    def title(self) -> str:
        """The outcome in a few words."""
        if self.code == Exit.OK and self.job and self.job.gate is None:
            return "succeeded, without a gate"
        if self.code == Exit.OK and self.job and self.job.gate and self.job.gate.state == "inconclusive":
            return "succeeded, gate inconclusive"
        if self.code in _TITLES:
            return _TITLES[self.code]
        what = "timed out" if self.code == Exit.TIMEOUT else "interrupted"
        return f"{what}; {self._meanwhile}"

    @property
    def _meanwhile(self) -> str:
        """What has become of a job that is followed no longer."""
        if self.job is None:
            return "whether the job was submitted is not known"
        if self.job.ended:
            return f"the job has ended meanwhile: {self.job.state}"
        return "the job goes on"


_TITLES: dict[int, str] = {
    Exit.OK: "succeeded",
    Exit.FAILED: "failed",
    Exit.USAGE: "request rejected",
    Exit.GATE_MISSED: "gate missed",
    Exit.CANCELLED: "cancelled",
    Exit.UNREACHABLE: "the server is unavailable",
    Exit.INCONCLUSIVE: "gate inconclusive",
}
