"""Nothing says to install PruneServe by its name, which anyone may register on a package index."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]

_OURS = r"pruneserve(?:[-_]client)?"
# `pip install …`, `uv add …`: from the command to the end of what a shell would read.
_INSTALLERS = re.compile(
    r"\b(?:pip3?\s+(?:install|download|wheel)|pipx\s+(?:install|run)|uvx|uv\s+(?:add|tool\s+(?:install|run)))\b"
    r"(?P<rest>(?:\\\n|[^\n;&|`)])*)"
)
# With extras, the name is a requirement wherever it stands; a path or a file is none.
_WITH_EXTRAS = re.compile(rf"(?<![\w./-]){_OURS}\[[a-z]")
_BARE = re.compile(rf"{_OURS}(?:\[[^\]]*\])?(?:[<>=!~].*)?")
_IN_A_LIST = re.compile(
    rf"^\s*(?:dependencies|requires|install_requires)\s*=\s*\[[^\]]*[\"']{_OURS}[\"'<>=~\[ ]", re.M
)


def unclaimed(text: str) -> list[str]:
    """Return what in a text would make an installer ask an index for our name."""
    found = [match[0] for match in _WITH_EXTRAS.finditer(text)]
    found += [match[0] for match in _IN_A_LIST.finditer(text)]
    for match in _INSTALLERS.finditer(text):
        words = [word.strip("'\",.:") for word in match["rest"].replace("\\\n", " ").split()]
        found += [match[0] for word in words if _BARE.fullmatch(word)]
    return found


def files() -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        if name and name != f"tests/{Path(__file__).name}":
            yield CHECKOUT / name


@pytest.mark.threat
def test_no_file_installs_us_by_a_name() -> None:
    found = {}
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if names := unclaimed(text):
            found[str(path.relative_to(CHECKOUT))] = names
    assert not found


def test_an_install_by_name_is_found_and_one_from_files_is_not() -> None:
    by_name = (
        "pip install -U \\\n  'pruneserve-client==0.1.0'",
        'requires = ["pruneserve>=0.1"]',
        "pruneserve[torch]",
    )
    assert [len(unclaimed(text)) for text in by_name] == [1, 1, 1]
    assert unclaimed("pip install './pruneserve_client[torch]' httpx; pruneserve up") == []
