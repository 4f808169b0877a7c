"""What the commands show of a job's report."""

from collections.abc import Callable, Iterator

from cli.terminal import size
from pruneserve_client.models import JobDetail, PerplexityFacts, Report, SpeedFacts, StructureFacts

_UNREADABLE = "written by another version of the service: install the command line of that version"


def report_of(job: JobDetail) -> Report | None:
    """Return the job's report; None without one, and where it does not have the fields of this version."""
    return job.report if isinstance(job.report, Report) else None


def measurements(job: JobDetail, escape: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Yield name and text of what was measured of the result; `escape` is for texts of the server."""
    report = report_of(job)
    if report is None:
        if job.report is not None:
            yield "report", _UNREADABLE
        return
    if report.structure:
        yield "parameters", escape(_parameters(report.structure))
    if report.speed:
        yield "size", _size_and_speed(report.speed)
    if fidelity := _fidelity(report.perplexity):
        yield "against dense", fidelity
    if report.sparsity.overall:
        yield "zeros", f"{report.sparsity.overall:.2%} of the weights in the pruned layers"


def _parameters(structure: StructureFacts) -> str:
    """Return the parameters that are left, in part in the server's words. Not yet escaped."""
    left, dense = structure.parameters, structure.dense_parameters
    fewer = f", {1 - left / dense:.1%} fewer" if dense else ""
    return f"{left:,} of {dense:,}{fewer}: {structure.left}"


def _size_and_speed(speed: SpeedFacts) -> str:
    """Return the size, and how many times as fast the result is if that was measured."""
    sizes = f"{size(speed.bytes)} of {size(speed.dense_bytes)}"
    if not speed.rates:
        return sizes
    if speed.speedup is None:
        return f"{sizes}; the speed-up is not measurable: the noise exceeds the gain"
    return f"{sizes}; {speed.speedup:.2f} times as fast as the dense model"


def _fidelity(perplexity: PerplexityFacts) -> str:
    """Return how near the predictions are to the dense model's; nothing where that was not measured."""
    if perplexity.kl is None or perplexity.agreement is None:
        return ""
    return (
        f"KL {perplexity.kl:.4f} nats per token; the same most probable token in {perplexity.agreement:.1%}"
    )
