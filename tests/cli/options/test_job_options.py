"""What the options of a job send, and that they keep step with `python -m pruning` and the API."""

import json
import types
import typing
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from cli.main import app
from cli.options.job_options import JOB_OPTIONS, takes_a_job
from cli.terminal import CommandFailed, Exit
from pruneserve_client.models import JobRequest
from tools.cli_options import RECIPE_OPTIONS, generated


def sent(*arguments: str) -> dict[str, Any]:
    """The body that the command line makes of the arguments."""
    bodies: list[dict[str, Any]] = []

    @takes_a_job
    def command(body: dict[str, Any]) -> None:
        bodies.append(body)

    probe = typer.Typer()
    probe.command()(command)
    typer.main.get_command(probe).main(list(arguments), standalone_mode=False)
    return bodies[0]


def job_file(directory: Path, text: str) -> str:
    file = directory / "job.json"
    file.write_text(text)
    return str(file)


def test_only_what_was_given_is_sent() -> None:
    given = ["--model", "org/name", "--method", "wanda", "--sparsity", "0.5", "--samples", "16", "--refit"]
    assert sent(*given) == {
        "model": {"id": "org/name"},
        "method": {"name": "wanda"},
        "sparsity": 0.5,
        "calibration": {"samples": 16},
        "refit": True,
    }


def test_structure_needs_no_method() -> None:
    cut = ["--model", "org/name", "--structure", "mlp_channels=0.25", "--structure", "multiple_of=64"]
    structure = {"mlp_channels": 0.25, "multiple_of": 64}
    assert sent(*cut) == {"model": {"id": "org/name"}, "structure": structure}
    assert sent(*cut, "--method", "wanda")["method"] == {"name": "wanda"}


def test_calibration_and_evaluation_have_options_of_their_own() -> None:
    calibration = ["--mix", "c4=2", "--mix", "builtin", "--sequence-length", "64"]
    evaluation = ["--evaluation-windows", "4", "--evaluation-length", "32"]
    body = sent("--model", "org/name", *calibration, *evaluation, "--task", "piqa")
    assert body["calibration"] == {
        "datasets": [{"dataset": "c4", "weight": 2.0}, {"dataset": "builtin"}],
        "sequence_length": 64,
    }
    assert body["evaluation"] == {"windows": 4, "sequence_length": 32, "tasks": ["piqa"]}


def test_settings_are_json_where_they_can_be() -> None:
    body = sent("-o", "norm=l2", "-o", "alpha=10", "-o", "text=a=b", "--allocation-option", "band=0.1")
    assert body == {
        "method": {"name": "gblm", "norm": "l2", "alpha": 10, "text": "a=b"},
        "allocation": {"band": 0.1},
    }


def test_the_options_of_a_training_replace_the_flag(tmp_path: Path) -> None:
    assert sent("--distil") == {"method": {"name": "gblm"}, "recovery": {"distil": True}}
    trained = {"recovery": {"distil": {"tokens": 2048}}}
    assert sent("--distil", "--distil-option", "tokens=2048") == {"method": {"name": "gblm"}, **trained}
    file = job_file(tmp_path, json.dumps({"recovery": {"distil": {"dataset": "builtin"}}}))
    both = {"recovery": {"distil": {"dataset": "builtin", "tokens": 2048}}}
    assert sent("--file", file, "--distil-option", "tokens=2048") == {"method": {"name": "gblm"}, **both}


def test_options_replace_fields_of_the_file_and_the_rest_of_it_stays(tmp_path: Path) -> None:
    job = {
        "model": "org/name",
        "method": {"name": "gblm", "norm": "l2"},
        "allocation": "owl",
        "sparsity": 0.5,
        "labels": {"team": "search", "run": "1"},
    }
    options = ["--revision", "main", "--sparsity", "0.6", "--max-perplexity", "20", "-o", "alpha=1"]
    labels = ["--label", "run=2", "--label", "a.b=c", "--allocation-option", "band=0.1"]
    assert sent("--file", job_file(tmp_path, json.dumps(job)), *options, *labels) == {
        "model": {"id": "org/name", "revision": "main"},
        "method": {"name": "gblm", "norm": "l2", "alpha": 1},
        "allocation": {"name": "owl", "band": 0.1},
        "sparsity": 0.6,
        "gate": {"max_perplexity": 20.0},
        "labels": {"team": "search", "run": "2", "a.b": "c"},
    }


@pytest.mark.parametrize("text", ["", "[]", "{", '"text"'])
def test_a_file_without_a_json_object_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandFailed, match=r"job\.json") as failed:
        sent("--file", job_file(tmp_path, text))
    assert failed.value.code == Exit.USAGE


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "norm"),
        ("--mix", "c4=much"),
        ("--max-increase", "much"),
        ("--max-increase", "5"),
        ("--sparsity", "50"),
        ("--sparsity", "NaN"),
        ("--sparsity", "1e999"),
        ("--max-perplexity", "NaN"),
        ("--max-increase", "inf"),
        ("--mix", "builtin=nan"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(typer.BadParameter, match=arguments[1]):
        sent(*arguments)


def test_a_share_is_read_with_and_without_a_percent_sign_where_it_can_mean_one_thing_only() -> None:
    for text, value in (("50%", 0.5), ("0.5", 0.5), ("1", 1.0), ("100%", 1.0)):
        assert sent("--sparsity", text)["sparsity"] == value
    assert sent("--max-increase", "500%")["gate"] == {"max_perplexity_increase": 5.0}
    with pytest.raises(typer.BadParameter, match=r"write 5% or 0\.05, or else 500%"):
        sent("--max-increase", "5")


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "[1, NaN]"])
def test_a_setting_that_json_cannot_carry_is_refused(value: str) -> None:
    with pytest.raises(typer.BadParameter, match="write finite numbers"):
        sent("-o", f"alpha={value}")


def test_the_options_of_a_recipe_are_those_of_the_library() -> None:
    assert RECIPE_OPTIONS.read_text() == generated(), "the library's options have changed: run `make client`"


def models_of(annotation: Any) -> list[type[BaseModel]]:
    """The models among the members of a union."""
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    members = typing.get_args(annotation) if is_union else (annotation,)
    return [it for it in members if isinstance(it, type) and issubclass(it, BaseModel)]


def test_every_option_sets_a_field_of_the_request() -> None:
    JobRequest.model_rebuild()
    for option in JOB_OPTIONS:
        models: list[type[BaseModel]] = [JobRequest]
        for name in option.field.split("."):
            fields = [model.model_fields[name] for model in models if name in model.model_fields]
            assert fields, f"--{option.name} sets {option.field}, which no request has"
            models = [model for field in fields for model in models_of(field.annotation)]


def test_every_field_of_the_request_has_an_option() -> None:
    reached = {option.field.partition(".")[0] for option in JOB_OPTIONS}
    assert JobRequest.model_fields.keys() - reached == set()


@pytest.mark.parametrize("path", ["submit", "run", "estimate", "sweep submit", "sweep search"])
def test_every_command_that_takes_a_job_has_all_options(path: str) -> None:
    command: Any = typer.main.get_command(app)
    for name in path.split():
        command = command.commands[name]
    assert {f"--{option.name}" for option in JOB_OPTIONS} <= {
        flag for parameter in command.params for flag in parameter.opts
    }
