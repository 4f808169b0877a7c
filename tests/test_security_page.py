"""docs/security.md and the tests marked `threat` name each other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
PAGE = (CHECKOUT / "docs" / "security.md").read_text()


def marked(path: Path) -> Iterator[str]:
    """Yield the tests of a file that carry the mark: by themselves, by their class or by their module."""
    tree = ast.parse(path.read_text())
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    module = any(
        "pytestmark" in ast.unparse(node) and "mark.threat" in ast.unparse(node) for node in assigned
    )
    yield from _marked_in(tree.body, path.relative_to(CHECKOUT).as_posix(), module)


def _marked_in(body: list[ast.stmt], prefix: str, inherited: bool) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            mark = inherited or any("mark.threat" in ast.unparse(each) for each in node.decorator_list)
            if isinstance(node, ast.ClassDef):
                yield from _marked_in(node.body, f"{prefix}::{node.name}", mark)
            elif mark and node.name.startswith("test_"):
                yield f"{prefix}::{node.name}"


def test_every_test_that_the_page_names_exists_and_is_marked() -> None:
    named = set(re.findall(r"tests/[\w/]+\.py::[\w:]+", PAGE))
    held = {name for path in (CHECKOUT / "tests").rglob("test_*.py") for name in marked(path)}
    assert len(named) > 60
    assert named - held == set()


def test_every_row_of_the_page_names_a_test() -> None:
    threats = PAGE.partition("## Threats")[2]
    rows = [line for line in threats.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) > 40
    without = [row for row in rows if "::" not in row and not row.startswith("| threat |")]
    assert without == []
