"""What the worker's image holds, as a CycloneDX document: `make sbom`.

The parts are those of `requirements/`. Their licences and addresses come from the metadata that is installed
here. A part that is not installed here in the locked version, as those of torch's build for CUDA, has none.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[1]
FOLDER = CHECKOUT / "build" / "sbom"
REQUIREMENTS = CHECKOUT / "requirements"
LAYERS = ("api", "torch", "zero-shot")  # of the largest image

Component = dict[str, Any]


def main() -> None:
    """Write the document. The first argument is the interpreter whose environment has the metadata."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    document = _described(sys.argv[1])
    text = "".join((REQUIREMENTS / f"{layer}.txt").read_text() for layer in LAYERS)
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))
    document = restricted(document, locked)
    (FOLDER / "sbom.cdx.json").write_text(json.dumps(document, indent=2) + "\n")
    unknown = sum(not part.get("licenses") for part in document["components"])
    print(f"{len(document['components'])} parts in {FOLDER}, {unknown} of them without a known licence")


def restricted(document: dict[str, Any], locked: dict[str, str]) -> dict[str, Any]:
    """Return the document with the locked parts alone, and with all of them."""
    installed = {
        (_canonical(part["name"]), part["version"].partition("+")[0]): part for part in document["components"]
    }
    parts = [
        installed.get((name, version)) or _bare(name, version) for name, version in sorted(locked.items())
    ]
    parts = [
        part | {"version": version} for part, (_, version) in zip(parts, sorted(locked.items()), strict=True)
    ]
    references = {part["bom-ref"] for part in parts} | {document["metadata"]["component"]["bom-ref"]}
    edges = [
        edge | {"dependsOn": [each for each in edge.get("dependsOn", ()) if each in references]}
        for edge in document.get("dependencies", ())
        if edge["ref"] in references
    ]
    return document | {"components": parts, "dependencies": edges}


def _bare(name: str, version: str) -> Component:
    reference = f"{name}=={version}"
    return {
        "bom-ref": reference,
        "name": name,
        "purl": f"pkg:pypi/{name}@{version}",
        "type": "library",
        "version": version,
    }


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _described(python: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", "pyproject.toml"]
    done = subprocess.run(  # noqa: S603 - a fixed program with our own arguments
        [*command, "--output-reproducible", "--of", "JSON", python],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        check=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


if __name__ == "__main__":
    main()
