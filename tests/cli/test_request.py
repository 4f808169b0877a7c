"""The body that `submit` sends."""

import json
from pathlib import Path

import pytest

from cli.request import request_body
from cli.terminal import CommandFailed, Exit


def test_only_what_was_given_is_sent() -> None:
    fields = {"model.id": "org/name", "sparsity": 0.5, "pattern": None, "calibration.samples": 16}
    assert request_body(None, fields, "gblm", []) == {
        "model": {"id": "org/name"},
        "sparsity": 0.5,
        "calibration": {"samples": 16},
        "method": "gblm",
    }


def test_method_options_are_json_where_they_can_be() -> None:
    body = request_body(None, {}, "gblm", ["norm=l2", "alpha=10", "text=a=b"])
    assert body["method"] == {"name": "gblm", "norm": "l2", "alpha": 10, "text": "a=b"}


def test_options_win_over_the_file_and_the_rest_of_it_stays(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(
        json.dumps({"model": "org/name", "method": {"name": "gblm", "norm": "l2"}, "sparsity": 0.5})
    )
    body = request_body(file, {"model.revision": "main", "sparsity": 0.6}, None, ["alpha=1"])
    assert body == {
        "model": {"id": "org/name", "revision": "main"},
        "method": {"name": "gblm", "norm": "l2", "alpha": 1},
        "sparsity": 0.6,
    }


@pytest.mark.parametrize("text", ["", "[]", "{", '"text"'])
def test_a_file_without_a_json_object_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "job.json"
    file.write_text(text)
    with pytest.raises(CommandFailed, match=r"job\.json") as failed:
        request_body(file, {}, None, [])
    assert failed.value.code == Exit.USAGE


def test_an_option_without_a_value_is_refused() -> None:
    with pytest.raises(CommandFailed, match="NAME=VALUE"):
        request_body(None, {}, "gblm", ["norm"])
