"""What a check found, as JSON that is always complete: it is written to another file and then renamed."""

import json
import os
import signal
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

TRACEBACK_SIGNAL = signal.SIGUSR1
"""Asks a check's process to write into its log where each of its threads is."""

Verdict = Literal["passed", "failed", "recorded", "not run: budget"]


@dataclass(frozen=True)
class Figure:
    """One value that a check has measured."""

    name: str
    value: float | str | bool
    accepted: str = ""  # the bound, such as '≤ 12'; empty where there is none
    met: bool | None = None  # None where the value is only recorded
    note: str = ""  # such as 'extrapolated from 2 of 32 blocks'


@dataclass(frozen=True)
class Findings:
    """What a check's own process writes, again after every figure."""

    versions: dict[str, str]
    device: str = ""
    figures: tuple[Figure, ...] = ()
    progress: str = ""  # how far the work of the last figure had come
    peak_memory: dict[str, float] = field(default_factory=dict)  # GB of the 'host', and of the 'device'

    @classmethod
    def read(cls, path: Path) -> "Findings":
        """Read the findings of a process; none if it wrote none."""
        if not path.exists():
            return cls({})
        stored = json.loads(path.read_text())
        return cls(**stored | {"figures": tuple(Figure(**figure) for figure in stored["figures"])})


@dataclass(frozen=True)
class Result:
    """What became of one check."""

    number: int
    name: str
    proves: str
    size: str  # 'full', or 'toy', at which no bound on speed or memory is judged
    verdict: Verdict
    seconds: float = 0.0
    limit: float = 0.0  # seconds that it was given
    error: str = ""
    log: str = ""  # the end of it, where the check has failed
    findings: Findings = field(default_factory=lambda: Findings({}))


def verdict_of(findings: Findings, error: str) -> Verdict:
    """Return 'failed' for an error or a missed bound, else 'passed' if any was judged, else 'recorded'."""
    judged = [figure.met for figure in findings.figures if figure.met is not None]
    if error or not all(judged):
        return "failed"
    return "passed" if judged else "recorded"


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - a dataclass, or a list of them
    """Write atomically and durably: the file is valid JSON, whenever this process ends."""
    plain = [asdict(each) for each in value] if isinstance(value, list) else asdict(value)
    partial = path.with_suffix(".partial")
    with partial.open("w") as file:
        json.dump(plain, file, indent=1, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
