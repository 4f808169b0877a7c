"""What `make mutants` makes of mutmut's output."""

import tomllib

import pytest

from tests.test_house import CHECKOUT, PACKAGES
from tools.mutants import REASONS, Mutant, known_survivors, parse_diff, parse_results, verdict

DIFF = """\
# pruning.masks.patterns.x_fits__mutmut_3: survived
--- pruning/masks/patterns.py
+++ pruning/masks/patterns.py
@@ -2,3 +2,3 @@
     kept_of = group_of(pattern)
-    return kept_of is None or inputs % kept_of[1] == 0
+    return kept_of is None or inputs % kept_of[1] != 0
"""
MUTANT = Mutant(
    "pruning/masks/patterns.py",
    "return kept_of is None or inputs % kept_of[1] == 0",
    "return kept_of is None or inputs % kept_of[1] != 0",
)


def test_results_name_every_mutant_that_was_checked() -> None:
    text = "    a.x_f__mutmut_1: killed\n    a.x_f__mutmut_2: no tests\n    a.x_f__mutmut_3: not checked\n"
    assert dict(parse_results(text)) == {"a.x_f__mutmut_1": "killed", "a.x_f__mutmut_2": "no tests"}


def test_a_diff_is_a_file_and_the_changed_lines() -> None:
    assert parse_diff(DIFF) == MUTANT


@pytest.mark.parametrize(
    ("statuses", "reasons", "complaint"),
    [
        (["killed"] * 17 + ["timeout"] * 2 + ["survived"], {MUTANT: "the same"}, None),
        (["killed"] * 16 + ["survived"] * 4, {MUTANT: "the same"}, "fewer than 85%"),
        (["killed"] * 16 + ["no tests"] * 4, {MUTANT: "the same"}, "fewer than 85%"),
        (["killed"] * 19 + ["survived"], {}, "1 survivors"),
        ([], {}, "fewer than 85%"),
    ],
    ids=["explained", "too few killed", "too few reached", "unexplained", "nothing ran"],
)
def test_the_verdict(statuses: list[str], reasons: dict[Mutant, str], complaint: str | None) -> None:
    found = verdict(statuses, [MUTANT] if "survived" in statuses else [], reasons)
    assert found is None if complaint is None else found is not None and found.startswith(complaint)


def test_every_known_survivor_has_a_reason() -> None:
    assert all(reason.strip() for reason in known_survivors(REASONS.read_text()).values())


@pytest.mark.parametrize("mutant", known_survivors(REASONS.read_text()), ids=lambda mutant: mutant.added)
def test_every_known_survivor_changes_a_line_that_the_code_has(mutant: Mutant) -> None:
    lines = {line.strip() for line in (REASONS.parents[1] / mutant.file).read_text().splitlines()}
    assert set(mutant.removed.splitlines()) <= lines


def test_the_copy_for_mutants_has_every_package() -> None:
    """A package that a test imports and that is missing ends the run before its first mutant."""
    options = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["mutmut"]
    assert {*PACKAGES, "bench", "tools"} <= {*options["source_paths"], *options["also_copy"]}


def test_every_mutated_module_and_each_of_its_tests_exists() -> None:
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["mutmut"]
    named = [
        *settings["only_mutate"],
        *settings["also_copy"],
        *settings["pytest_add_cli_args_test_selection"],
    ]
    assert not [path for path in named if not (CHECKOUT / path).exists()]
