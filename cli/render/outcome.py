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
    sent: bool = True
    """Whether the request for the job was sent."""
    rejected: bool = False
    """Whether the server has rejected a request."""
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
        if self.code == Exit.USAGE and self.rejected:
            return "request rejected"
        if self.code in _TITLES and self.sent:
            return _TITLES[self.code]
        return f"{_UNFINISHED.get(self.code, 'interrupted')}; {self._meanwhile}"

    @property
    def _meanwhile(self) -> str:
        """What has become of a job that is followed no longer."""
        if not self.sent:
            return "no job was submitted"
        if self.job is None:
            return "whether the job was submitted is not known"
        if self.job.ended:
            return f"the job has ended meanwhile: {self.job.state}"
        return "the job goes on"


_UNFINISHED: dict[int, str] = {Exit.TIMEOUT: "timed out", Exit.CANCELLED: "cancelled"}

_TITLES: dict[int, str] = {
    Exit.OK: "succeeded",
    Exit.FAILED: "failed",
    Exit.USAGE: "bad usage",
    Exit.GATE_MISSED: "gate failed",
    Exit.CANCELLED: "cancelled",
    Exit.UNREACHABLE: "the server is unavailable",
    Exit.INCONCLUSIVE: "gate inconclusive",
}
