"""A release: what its notes and checksums say. That the wheels are whole, tests/cli/test_wheel.py holds."""

import re
import subprocess
from pathlib import Path

import pytest

from tools.release import CHECKOUT, CI_FILES, checksums, pinned, release_notes, version_of

pytestmark = pytest.mark.slow

CHANGELOG = """# Changelog

## Unreleased

- Next.

## 0.2.0 (2026-02-03)

### Added

- This.

## [0.1.0] - 2026-01-02

- That.
"""


@pytest.mark.parametrize(
    ("version", "notes"),
    [("0.2.0", "### Added\n\n- This."), ("0.1.0", "- That.")],
    ids=["a section", "the last one, in brackets"],
)
def test_the_notes_are_the_section_of_the_version(version: str, notes: str) -> None:
    assert release_notes(CHANGELOG, version) == f"# PruneServe {version}\n\n{notes}\n"


def test_a_release_without_notes_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"nothing under '0\.3\.0'"):
        release_notes(CHANGELOG, "0.3.0")


@pytest.mark.parametrize("name", CI_FILES)
def test_a_ci_file_names_the_wheel_with_its_digest(name: str, tmp_path: Path) -> None:
    wheel = tmp_path / "pruneserve-2.0.0-py3-none-any.whl"
    wheel.write_bytes(b"abc")
    text = (CHECKOUT / name).read_text()
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of FIPS 180-2
    unknown = "pruneserve-0.1.0-py3-none-any.whl#sha256=…"
    assert f"`https://…/{unknown}`, whose digest pip checks. It has no default." in text
    assert pinned(text, wheel) == text.replace(unknown, f"{wheel.name}#sha256={digest}")
    with pytest.raises(SystemExit, match="where the digest"):
        pinned("nothing", wheel)


def test_our_own_changelog_has_notes_for_our_version() -> None:
    version = version_of(CHECKOUT)
    notes = release_notes((CHECKOUT / "CHANGELOG.md").read_text(), version)
    assert notes.startswith(f"# PruneServe {version}\n\n")


def test_the_examples_of_the_documentation_name_our_version() -> None:
    pages = "".join(
        (CHECKOUT / "docs" / f"{page}.md").read_text() for page in ("cli", "install", "kubernetes")
    )
    named = re.findall(r"(?:pruneserve-|@v|\$target:)(\d+\.\d+\.\d+)", pages)
    assert len(named) == 6
    assert set(named) == {version_of(CHECKOUT)}


def test_service_and_client_must_have_one_version(tmp_path: Path) -> None:
    for folder, version in ((tmp_path, "0.1.0"), (tmp_path / "pruneserve_client", "0.2.0")):
        folder.mkdir(exist_ok=True)
        (folder / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
    with pytest.raises(SystemExit, match=r"0\.1\.0, 0\.2\.0"):
        version_of(tmp_path)


def test_checksums_are_those_of_sha256sum(tmp_path: Path) -> None:
    files = [tmp_path / "b.whl", tmp_path / "a.whl"]
    for file in files:
        file.write_bytes(file.name.encode())
    (tmp_path / "SHA256SUMS").write_text(checksums(files))
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "a.whl: OK\nb.whl: OK\n"
