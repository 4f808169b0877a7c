"""The four files that the command writes: few enough for what fetches results from another machine.

- `summary.md`: the table that the command prints
- `summary.json`: all results so far
- `log.txt`: the output of each check, one after the other; of a long one its end
- `details.tar.gz`: `NN-name.json` and the whole `NN-name.log` of each check
"""

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.gpu_check.result import Figure, Result, write_json
from bench.results.table import header, row_of

_LONGEST_REASON = 200
_BYTES_OF_LOG = 20_000


def write_output(out: Path, details: Path, results: Sequence[Result]) -> None:
    """Write all four files, each whole or as it was. `details`: the directory of the checks' own files."""
    write_json(out / "summary.json", list(results))
    _replace(out / "summary.md", "".join(f"{line}\n" for line in summary(results)).encode())
    logs = (f"== {log.stem}\n".encode() + log.read_bytes()[-_BYTES_OF_LOG:] for log in details.glob("*.log"))
    _replace(out / "log.txt", b"\n".join(sorted(logs)))
    archive = out / "details.partial"
    with tarfile.open(archive, "w:gz") as packed:
        for file in sorted(details.iterdir()):
            packed.add(file, file.name)
    archive.replace(out / "details.tar.gz")


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)


def summary(results: Sequence[Result]) -> Iterator[str]:
    """Yield where the checks ran, and a table: a row for each check, and one for each of its figures.

    Behind it are the ends of the logs of those that failed: the output alone must do to mend them.
    """
    found = next((result for result in results if result.findings.device), None)
    if found:
        versions = (f"{name} {version}" for name, version in found.findings.versions.items())
        yield f"{found.findings.device}, {found.size} size; {', '.join(versions)}"
        yield ""
    yield from header(
        "", "check, and what it measured", "value, or time and peak memory", "accepted", "verdict"
    )
    for result in results:
        error = _reason(result)
        yield row_of(
            [
                str(result.number),
                f"**{result.name}**: {result.proves}",
                _cost(result),
                result.accepted,
                f"{result.verdict}: {error}" if error else result.verdict,
            ]
        )
        for figure in result.findings.figures:
            name = f"{figure.name} ({figure.note})" if figure.note else figure.name
            yield row_of(["", name, _value(figure), figure.accepted, _met(figure)])
        if error and result.findings.progress:
            yield row_of(["", "how far it came", result.findings.progress, "", ""])
    for result in results:
        if result.log:
            yield from ("", f"The end of {result.name}'s log:", "", "```", result.log, "```")


def _reason(result: Result) -> str:
    """Return on one line of a table what went wrong: with the last line of the log, which names the error."""
    if not result.error or not result.log:
        return result.error
    return f"{result.error}: {result.log.splitlines()[-1][:_LONGEST_REASON]}".replace("|", "¦")


def progress(result: Result) -> str:
    """Return a line about a check that has ended, with whatever it has missed."""
    missed = [figure.name for figure in result.findings.figures if figure.met is False]
    why = "; ".join([*filter(None, [_reason(result)]), *missed])
    return f"{result.name}: {result.verdict}, {result.seconds:.1f} s{': ' if why else ''}{why}"


def _cost(result: Result) -> str:
    """Return the seconds of a check, and the peak memory that its process has seen."""
    memory = (f"{name} {size:.2f} GB" for name, size in result.findings.peak_memory.items())
    return ", ".join([f"{result.seconds:.1f} s", *memory])


def _value(figure: Figure) -> str:
    if isinstance(figure.value, bool):
        return "yes" if figure.value else "no"
    return f"{figure.value:.4g}" if isinstance(figure.value, float) else str(figure.value)


def _met(figure: Figure) -> str:
    return {True: "met", False: "**missed**", None: ""}[figure.met]
