"""The rows of benchmarks as files: run once, kept, and in step with the recipes that the tables name."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import quality
from bench.rows import RESULTS, file_name, read_or_run, write_row
from pruning.recipe import Recipe

PROGRAM = """
import sys
from pathlib import Path
from bench.rows import write_row

directory, only, row = sys.argv[1:]
assert only == "--only"
write_row(Path(directory), row, {"value": len(row)}, anonymous={})
"""


def test_a_row_is_run_in_a_process_of_its_own_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some_rows.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    monkeypatch.setattr(sys, "argv", ["any", str(tmp_path / "results")])
    found = list(read_or_run("some_rows", ["50 % one", "2:4 other"], tmp_path / "results"))
    assert [(row["row"], row["value"]) for row in found] == [("50 % one", 8), ("2:4 other", 9)]
    assert all(len(row["commit"].split()[0]) == 40 for row in found)
    (tmp_path / "some_rows.py").unlink()
    assert list(read_or_run("some_rows", ["2:4 other"], tmp_path / "results")) == found[1:]


def test_a_result_file_contains_no_path_of_this_machine(tmp_path: Path) -> None:
    write_row(tmp_path, "50 % a, b", {"texts": ["/some/where/a.jsonl"]}, anonymous={"/some/where/": ""})
    assert json.loads((tmp_path / "50-a-b.json").read_text())["texts"] == ["a.jsonl"]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("quality", [*quality.ROWS, *(row for row in quality.TABLES["windows"].rows if row.samples > 16)]),
        *((name, quality.TABLES[name].rows) for name in ("recovered", "second", "mixture", "structured")),
    ],
)
def test_committed_results_were_measured_with_the_recipes_of_their_rows(
    name: str, rows: Sequence[quality.Row]
) -> None:
    by_file = {file_name(row.name): row for row in rows}
    assert len(by_file) == len(rows)
    for path in (RESULTS / name).glob("*.json"):
        found, row = json.loads(path.read_text()), by_file[path.name]
        assert found["row"] == row.name
        if row.recipe is None:
            assert found["recipe"] is None
            continue
        dataset = found["recipe"]["calibration"]["dataset"]
        assert "/" not in dataset
        calibration = found["recipe"]["calibration"] | {"dataset": "builtin"}
        fields = {"model": "org/name", "calibration": calibration}
        measured = Recipe.model_validate_json(json.dumps(found["recipe"] | fields))
        fields["dtype"] = found["recipe"]["dtype"]
        wanted = Recipe.model_validate_json(json.dumps({**fields, **row.recipe}))
        assert measured.model_dump(exclude={"recovery"}) == wanted.model_dump(exclude={"recovery"})
