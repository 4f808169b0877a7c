"""The body that `submit` sends."""

import json
from pathlib import Path

import pytest

from cli.options.request import request_body
from cli.terminal import CommandFailed, Exit


def test_only_what_was_given_is_sent() -> None:
    fields = {"model.id": "org/name", "sparsity": 0.5, "pattern": None, "calibration.samples": 16}
    assert request_body(None, fields, "wanda", [], {}) == {
        "model": {"id": "org/name"},
        "sparsity": 0.5,
        "calibration": {"samples": 16},
        "method": "wanda",
    }


def test_method_options_are_json_where_they_can_be() -> None:
    body = request_body(None, {}, None, ["norm=l2", "alpha=10", "text=a=b"], {})
    assert body["method"] == {"name": "gblm", "norm": "l2", "alpha": 10, "text": "a=b"}


def test_options_win_over_the_file_and_the_rest_of_it_stays(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(
        json.dumps(
            {
                "model": "org/name",
                "method": {"name": "gblm", "norm": "l2"},
                "sparsity": 0.5,
                "labels": {"team": "search", "run": "1"},
            }
        )
    )
    fields = {"model.revision": "main", "sparsity": 0.6, "gate.max_perplexity": 20}
    body = request_body(file, fields, None, ["alpha=1"], {"run": "2", "a.b": "c"})
    assert body == {
        "model": {"id": "org/name", "revision": "main"},
        "method": {"name": "gblm", "norm": "l2", "alpha": 1},
        "sparsity": 0.6,
        "gate": {"max_perplexity": 20},
        "labels": {"team": "search", "run": "2", "a.b": "c"},
    }


@pytest.mark.parametrize("text", ["", "[]", "{", '"text"'])
def test_a_file_without_a_json_object_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "job.json"
    file.write_text(text)
    with pytest.raises(CommandFailed, match=r"job\.json") as failed:
        request_body(file, {}, None, [], {})
    assert failed.value.code == Exit.USAGE


def test_an_option_without_a_value_is_refused() -> None:
    with pytest.raises(CommandFailed, match="NAME=VALUE"):
        request_body(None, {}, "gblm", ["norm"], {})
