"""Build a release from the last commit into dist/: `make release`.

1. take the files of the commit, and nothing else from the checkout
2. build the wheels of the service and of the client
3. name the service's wheel and its SHA-256 in the CI files
4. write the release notes from CHANGELOG.md (RELEASE_NOTES.md), and add the SBOM of `make sbom`
5. write the checksums of all of them (SHA256SUMS)

Nothing is uploaded and no tag is set.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
DIST = CHECKOUT / "dist"
PROJECTS = (".", "pruneserve_client")
CI_FILES = ("ci/github/action.yml", "ci/gitlab/pruneserve.yml")
SBOM = CHECKOUT / "build" / "sbom" / "sbom.cdx.json"
SUMS = "SHA256SUMS"
NOTES = "RELEASE_NOTES.md"


def main() -> None:
    """Write the release into an emptied dist/."""
    if _git("status", "--porcelain", "--untracked-files=no"):
        raise SystemExit("the checkout has changes: commit them first, a release is built from a commit")
    # The same commit gives the same bytes: files in the wheels have its time, and the same modes.
    os.environ["SOURCE_DATE_EPOCH"] = _git("log", "-1", "--format=%ct")
    os.umask(0o022)
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory)
        _extract_commit(source)
        version = version_of(source)
        notes = release_notes((source / "CHANGELOG.md").read_text(encoding="utf-8"), version)
        service, _ = (build_wheel(source / project, DIST) for project in PROJECTS)
        for file in (source / name for name in CI_FILES):
            (DIST / file.name).write_text(pinned(file.read_text(encoding="utf-8"), service), encoding="utf-8")
    (DIST / NOTES).write_text(notes, encoding="utf-8")
    shutil.copy(SBOM, DIST)
    (DIST / SUMS).write_text(checksums(DIST.iterdir()), encoding="ascii")
    for file in sorted(DIST.iterdir()):
        print(file.relative_to(CHECKOUT))


def version_of(source: Path) -> str:
    """Return the version of the release, which all its distributions share."""
    files = [source / project / "pyproject.toml" for project in PROJECTS]
    versions = {str(tomllib.loads(file.read_text(encoding="utf-8"))["project"]["version"]) for file in files}
    if len(versions) > 1:
        raise SystemExit(f"the distributions differ in their version: {', '.join(sorted(versions))}")
    return versions.pop()


def build_wheel(project: Path, directory: Path) -> Path:
    """Build the wheel of a project, which is written to meanwhile, into `directory`, and return its path."""
    before = set(directory.glob("*.whl"))
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(directory),
        str(project),
    ]
    done = subprocess.run(build, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise SystemExit(f"{project.name}: the build failed:\n{done.stdout}\n{done.stderr}")
    (wheel,) = set(directory.glob("*.whl")) - before
    return wheel


def checksums(files: Iterable[Path]) -> str:
    """Return one line for each file, as `sha256sum --check` reads it."""
    return "".join(f"{_sha256(path)}  {path.name}\n" for path in sorted(files))


def pinned(ci_file: str, wheel: Path) -> str:
    """Return a CI file that names this wheel with its digest, as an address whose digest pip checks."""
    text, found = re.subn(r"pruneserve-\S+\.whl#sha256=…", f"{wheel.name}#sha256={_sha256(wheel)}", ci_file)
    if not found:
        raise SystemExit("a CI file does not say where the digest of the wheel belongs (…whl#sha256=…)")
    return text


def release_notes(changelog: str, version: str) -> str:
    """Return the changelog's section for `version`."""
    sections: dict[str, str] = dict(
        re.findall(r"^## \[?([^\s\]]+)[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    )
    text = sections.get(version, "").strip()
    if not text:
        raise SystemExit(f"CHANGELOG.md has nothing under {version!r}")
    return f"# PruneServe {version}\n\n{text}\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _extract_commit(directory: Path) -> None:
    with tempfile.TemporaryFile() as archive:
        subprocess.run(["git", "archive", "HEAD"], cwd=CHECKOUT, stdout=archive, check=True)  # noqa: S607 - the git of the maintainer
        archive.seek(0)
        with tarfile.open(fileobj=archive) as files:
            files.extractall(directory, filter="data")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=True)  # noqa: S603, S607 - the git of the maintainer
    return done.stdout.strip()


if __name__ == "__main__":
    main()
