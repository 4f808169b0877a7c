"""Lock what the images install: `make lock`, after a change of the dependencies in pyproject.toml.

Writes `requirements/*.txt`: exact versions with the SHA-256 of every file that may be installed, and no
address. Each file adds to the ones before it. Versions that are installed here are kept where they fit, so
the images get what the tests have run with; `make install` takes the locked versions as constraints.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
REQUIREMENTS = CHECKOUT / "requirements"
LAYERS: dict[str, tuple[str, ...]] = {
    "api": ("otel",),
    "torch": ("otel", "torch"),
    "zero-shot": ("otel", "torch", "zero-shot"),
}
"""The files, with the extras of pyproject.toml that each adds to the ones before it."""

PYTHON = "3.11"
PLATFORM = "x86_64-manylinux_2_28"

# What CUDA builds of torch bring; the installed torch may be one for CPUs, which brings others.
_OF_TORCH = re.compile(r"(nvidia|cuda|triton)\b")
_ENTRY = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ;[^\\\n]*)? \\\n(?:    --hash=\S+(?: \\)?\n)+", re.MULTILINE
)


def main() -> None:
    """Resolve each layer and write what it adds."""
    REQUIREMENTS.mkdir(exist_ok=True)
    seen: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        constraints = Path(scratch) / "installed.txt"
        constraints.write_text("\n".join(_installed()))
        build = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["build-system"]["requires"]
        (REQUIREMENTS / "build.txt").write_text(_resolved(["-"], constraints, "\n".join(build)))
        for layer, extras in LAYERS.items():
            chosen = ["pyproject.toml", *(part for extra in extras for part in ("--extra", extra))]
            found = entries(_resolved(chosen, constraints))
            added = {name: entry for name, entry in found.items() if name not in seen}
            if moved := [name for name, entry in found.items() if seen.get(name, entry) != entry]:
                sys.exit(f"{layer} needs other versions than the layers before it: {', '.join(moved)}")
            (REQUIREMENTS / f"{layer}.txt").write_text("".join(added.values()))
            seen |= added


def entries(text: str) -> dict[str, str]:
    """Return the entries of a locked file by the name of the distribution."""
    return {found["name"]: found[0] for found in _ENTRY.finditer(text)}


def versions(text: str) -> dict[str, str]:
    """Return the locked versions by the name of the distribution."""
    return {found["name"]: found["version"] for found in _ENTRY.finditer(text)}


def _installed() -> list[str]:
    found = {each.metadata["Name"].lower(): each.version.partition("+")[0] for each in distributions()}
    return [f"{name}=={version}" for name, version in found.items() if not _OF_TORCH.match(name)]


def _resolved(chosen: Sequence[str], constraints: Path, given: str = "") -> str:
    target = ["--python-version", PYTHON, "--python-platform", PLATFORM, "--constraint", str(constraints)]
    content = ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--system-certs"]
    done = subprocess.run(  # noqa: S603 - a fixed program with our own arguments
        [sys.executable, "-m", "uv", "pip", "compile", "--quiet", *chosen, *target, *content],
        cwd=CHECKOUT,
        input=given,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    main()
