"""The table of what fits on which card is the command's output."""

from pathlib import Path

from bench.fits import lines

ROOT = Path(__file__).parents[2]


def test_the_page_shows_what_the_command_prints() -> None:
    assert "\n".join(lines()) in (ROOT / "docs" / "performance.md").read_text()
