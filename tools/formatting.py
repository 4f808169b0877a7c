"""Format generated code as the rest of the code is formatted."""

import subprocess
import sys
from pathlib import Path


def formatted(code: str, path: Path) -> str:
    """Return the code as ruff formats the file at `path`, imports sorted."""
    for step in (["check", "--fix-only", "--select=I", "--quiet"], ["format"]):
        code = piped([sys.executable, "-m", "ruff", *step, "--stdin-filename", str(path), "-"], code)
    return code


def piped(command: list[str], text: str) -> str:
    """Return the standard output of a command for a standard input. Exits with its messages if it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout
