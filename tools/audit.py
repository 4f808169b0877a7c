"""Known vulnerabilities of what the images hold: `make audit`.

pip-audit asks its service about each locked version. Exits with 1 if there are vulnerabilities, and with 2 if
the service did not answer for a part, which is then not audited.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
LAYERS = ("api", "torch", "zero-shot")  # of the largest image


def main() -> None:
    """Ask, print what is known, and exit."""
    done = subprocess.run(  # noqa: S603 - a fixed program with our own arguments
        [
            sys.executable,
            "-m",
            "pip_audit",
            "--no-deps",
            "--disable-pip",
            "--format=json",
            *(f"--requirement={REQUIREMENTS / layer}.txt" for layer in LAYERS),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        lines, code = verdict(json.loads(done.stdout)["dependencies"])
    except ValueError:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        lines, code = [f"NOT audited: the service does not answer ({reason})"], 2
    print("\n".join(lines))
    sys.exit(code)


def verdict(parts: list[dict[str, Any]]) -> tuple[list[str], int]:
    """Return what to say of pip-audit's answer, and the exit code."""
    found = [
        f"{part['name']} {part['version']}: {flaw['id']}, mended in: {', '.join(flaw['fix_versions'])}"
        for part in parts
        for flaw in part.get("vulns", ())
    ]
    unanswered = [part["name"] for part in parts if "skip_reason" in part]
    audited = len(parts) - len(unanswered)
    lines = [*found, f"{audited} of {len(parts)} parts audited, {len(found)} known vulnerabilities"]
    if unanswered or not parts:
        lines.append(f"NOT audited, for want of an answer: {', '.join(unanswered) or 'anything'}")
    return lines, 1 if found else 2 if unanswered or not parts else 0


if __name__ == "__main__":
    main()
