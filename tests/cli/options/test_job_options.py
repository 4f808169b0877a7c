"""What the options of a job send, alone and with a recipe, and that there are few of them."""

import json
import re
import types
import typing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import typer
from pydantic import BaseModel
from typer.testing import CliRunner

from cli.main import app
from cli.options.job_options import JOB_OPTIONS, with_job_options
from cli.options.request import is_quick
from cli.terminal import CommandFailed, Exit
from pruneserve_client.models import JobDetail, JobRequest
from pruning.recipe.options import OPTIONS
from tests.scripted_server import job_document


def sent(*arguments: str) -> dict[str, Any]:
    """The body that the command line makes of the arguments."""
    bodies: list[dict[str, Any]] = []

    @with_job_options
    def command(body: dict[str, Any]) -> None:
        bodies.append(body)

    probe = typer.Typer()
    probe.command()(command)
    typer.main.get_command(probe).main(list(arguments), standalone_mode=False)
    return bodies[0]


def recipe(directory: Path, text: str, name: str = "recipe.json") -> str:
    file = directory / name
    file.write_text(text)
    return str(file)


def test_only_what_was_given_is_sent() -> None:
    given = ["--model", "org/name", "--method", "wanda", "--sparsity", "0.5", "--samples", "16"]
    gate = ["--max-kl", "0.1", "--gate-on", "gguf:Q4_K_M"]
    assert sent(*given, "--task", "piqa", "--export", "gguf:Q4_K_M", "--export", "gguf:Q8_0", *gate) == {
        "model": {"id": "org/name"},
        "method": {"name": "wanda"},
        "sparsity": 0.5,
        "calibration": {"samples": 16},
        "evaluation": {"tasks": ["piqa"]},
        "exports": ["gguf:Q4_K_M", "gguf:Q8_0"],
        "gate": {"max_kl": 0.1, "export": "gguf:Q4_K_M"},
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--gate-on", "dense"], "--gate-on needs a limit: --max-increase or --max-kl"),
        (["--baseline", "track=main"], "--baseline needs --max-increase"),
        (["--baseline", "track=main", "--max-kl", "code=1"], None),
        (["--baseline", "track=main", "--max-kl", "1"], "--baseline needs --max-increase"),
        (["--baseline", "track=main", "--max-increase", "5%", "--gate-on", "dense"], None),
    ],
)
def test_a_gate_without_a_limit_is_refused_by_its_options(given: list[str], said: str | None) -> None:
    if said is None:
        assert "baseline" in sent(*given)["gate"]
        return
    with pytest.raises(CommandFailed, match=said) as refused:
        sent(*given)
    assert refused.value.code == Exit.USAGE


def test_a_recipe_may_have_the_limit_of_the_gate(tmp_path: Path) -> None:
    file = recipe(tmp_path, '{"gate": {"min_speedup": 1.5, "max_kl": null}}')
    assert sent("--recipe", file, "--gate-on", "gguf:Q8_0")["gate"]["min_speedup"] == 1.5
    for gate in ("{}", '{"max_kl": null, "domains": {}}'):  # as a job's spec has them
        with pytest.raises(CommandFailed, match="--gate-on needs a limit"):
            sent("--recipe", recipe(tmp_path, f'{{"gate": {gate}}}'), "--gate-on", "gguf:Q8_0")


def test_structure_needs_no_method() -> None:
    cut = ["--model", "org/name", "--structure", "mlp_channels=0.25", "--structure", "multiple_of=64"]
    structure = {"mlp_channels": 0.25, "multiple_of": 64}
    assert sent(*cut) == {"model": {"id": "org/name"}, "structure": structure}
    assert sent(*cut, "--method", "wanda")["method"] == {"name": "wanda"}
    assert sent(*cut, "--method", "none") == sent(*cut)
    assert sent("--model", "org/name", "--method", "none")["method"] == {"name": "none"}


def test_settings_are_json_where_they_can_be() -> None:
    body = sent("-o", "norm=l2", "-o", "alpha=10", "-o", "text=a=b", "--structure", "mlp_channels=25%")
    assert body == {
        "method": {"name": "gblm", "norm": "l2", "alpha": 10, "text": "a=b"},
        "structure": {"mlp_channels": 0.25},
    }


RECIPE = {
    "model": "org/name",
    "method": {"name": "gblm", "norm": "l2"},
    "allocation": "owl",
    "sparsity": 0.5,
    "gate": None,
    "exports": [],
    "labels": {"team": "search", "run": "1"},
}


def test_options_and_a_recipe_are_joined(tmp_path: Path) -> None:
    options = [
        "--revision",
        "main",
        "--sparsity",
        "50%",
        "--max-kl",
        "20",
        "-o",
        "alpha=1",
        "--export",
        "gguf:Q8_0",
    ]
    joined = {
        "model": {"id": "org/name", "revision": "main"},
        "method": {"name": "gblm", "norm": "l2", "alpha": 1},
        "allocation": "owl",
        "sparsity": 0.5,
        "gate": {"max_kl": 20.0},
        "exports": ["gguf:Q8_0"],
        "labels": {"team": "search", "run": "1", "a.b": "c"},
    }
    file = recipe(tmp_path, json.dumps(RECIPE))
    assert sent("--recipe", file, *options, "--label", "run=1", "--label", "a.b=c") == joined


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--sparsity", "0.6"), r"--sparsity contradicts the recipe .*: 0\.6 here, 0\.5 there \(sparsity\)"),
        (("--model", "org/other"), r'--model .*"org/other" here, "org/name" there \(model\.id\)'),
        (("--method", "wanda"), r'--method .*"wanda" here, "gblm" there \(method\.name\)'),
        (("-o", "norm=l1"), r'--option norm .*"l1" here, "l2" there'),
        (("--label", "run=2"), r'--label run .*"2" here, "1" there \(labels\); leave out one of them'),
    ],
)
def test_an_option_that_contradicts_the_recipe_is_refused(
    tmp_path: Path, option: tuple[str, str], said: str
) -> None:
    with pytest.raises(CommandFailed, match=said) as failed:
        sent("--recipe", recipe(tmp_path, json.dumps(RECIPE)), *option)
    assert failed.value.code == Exit.USAGE


def test_a_recipe_may_be_yaml_by_its_ending(tmp_path: Path) -> None:
    text = "model: org/name\nsparsity: 0.5\nrecovery:\n  distil: {tokens: 2048}\n"
    body = {"model": "org/name", "sparsity": 0.5, "recovery": {"distil": {"tokens": 2048}}}
    for ending in ("yaml", "yml"):
        file = recipe(tmp_path, text, f"recipe.{ending}")
        assert sent("--recipe", file) == body | {"method": {"name": "gblm"}}
    with pytest.raises(CommandFailed, match=r"cannot read a recipe from .*a\.yaml"):
        sent("--recipe", recipe(tmp_path, "a: [", "a.yaml"))


@pytest.mark.threat
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nmodel: [*b, *b]\n"),
        ("a.yaml", "name: &a [*a]\n"),
        ("a.yaml", "name: " + "[" * 600 + "]" * 600),
        ("a.json", '{"name": ' + "[" * 100_000),
    ],
)
def test_a_recipe_that_would_fill_memory_or_stack_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(CommandFailed, match="cannot read a recipe from") as failed:
        sent("--recipe", recipe(tmp_path, text, name))
    assert failed.value.code == Exit.USAGE


@pytest.mark.parametrize("text", ["", "[]", "{", '"text"'])
def test_a_recipe_that_is_no_object_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandFailed, match=r"recipe\.json") as failed:
        sent("--recipe", recipe(tmp_path, text))
    assert failed.value.code == Exit.USAGE


QUICK = {
    "calibration": {"dataset": "builtin", "samples": 16, "sequence_length": 512},
    "evaluation": {"dataset": "builtin", "windows": 16, "sequence_length": 512, "speed": "off"},
}


def test_quick_takes_few_windows_of_the_builtin_text_with_a_note(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sent("--model", "org/name", "--quick") == {
        "model": {"id": "org/name"},
        "method": {"name": "gblm"},
        **QUICK,
    }
    said = capfd.readouterr().err
    assert "quick: 16 windows of 512 tokens of the built-in text; not comparable with" in said
    of_gemma = recipe(
        tmp_path, '{"calibration": {"add_bos_token": true}, "evaluation": {"dataset": "builtin"}}'
    )
    body = sent("--recipe", of_gemma, "--quick")
    assert body["calibration"] == QUICK["calibration"] | {"add_bos_token": True}
    assert body["evaluation"] == QUICK["evaluation"]


@pytest.mark.parametrize("option", [("--samples", "4"), ("--calibration", "c4"), ("--evaluation", "c4")])
def test_quick_and_another_text_contradict_each_other(option: tuple[str, str]) -> None:
    with pytest.raises(CommandFailed, match=r"--quick sets \w+\.\w+ to .* leave out one of them"):
        sent("--quick", *option)


def test_the_job_is_called_quick_wherever_it_was_submitted() -> None:
    for text, quick in ((QUICK, True), ({}, False)):
        spec = {"model": {"id": "org/name"}, "method": {"name": "gblm"}, "sparsity": 0.5} | text
        job = JobDetail.model_validate(job_document(UUID(int=1), "succeeded", spec=spec))
        assert is_quick(job) == quick


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "norm"),
        ("--max-increase", "much"),
        ("--label", "x"),
        ("--max-kl", "NaN"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(typer.BadParameter, match=arguments[1]):
        sent(*arguments)


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "[1, NaN]"])
def test_a_setting_that_json_cannot_carry_is_refused(value: str) -> None:
    with pytest.raises(typer.BadParameter, match="write finite numbers"):
        sent("-o", f"alpha={value}")


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


def test_the_library_and_the_service_call_a_field_by_the_same_option() -> None:
    of_library = {option.field: (option.name, option.kind) for option in OPTIONS}
    of_service = {option.field: (option.name, option.kind) for option in JOB_OPTIONS}
    shared = of_library.keys() & of_service.keys()
    assert "method.name" in shared
    assert {field: of_library[field] for field in shared} == {field: of_service[field] for field in shared}


def test_there_are_few_commands_and_options() -> None:
    group: Any = typer.main.get_command(app)
    assert len(group.commands) <= 16
    for name in ("run", "submit", "estimate"):
        shown = CliRunner().invoke(app, [name, "--help"]).stdout
        assert len(re.findall(r"^  -", shown, re.MULTILINE)) <= 32


@pytest.mark.parametrize(
    ("path", "without"),
    [
        *((path, set()) for path in ("submit", "run", "estimate", "sweep submit")),
        ("sweep search", {"--max-kl", "--baseline"}),  # no target of a search has their fields
    ],
)
def test_every_command_that_takes_a_job_has_the_options_that_apply(path: str, without: set[str]) -> None:
    command: Any = typer.main.get_command(app)
    for name in path.split():
        command = command.commands[name]
    offered = {flag for parameter in command.params for flag in parameter.opts}
    assert {f"--{option.name}" for option in JOB_OPTIONS} - offered == without


def test_a_domain_has_a_text_and_limits(tmp_path: Path) -> None:
    texts = ("builtin", "code=builtin-code", "math=./a=b.txt")
    domains = [word for text in texts for word in ("--evaluation", text)]
    limits = ["--max-kl", "code=0.1", "--max-increase", "code=5%", "--max-kl", "math=2", "--max-kl", "3"]
    of_code = {"max_kl": 0.1, "max_perplexity_increase": 0.05}
    assert sent("--model", "org/name", *domains, *limits) == {
        "model": {"id": "org/name"},
        "method": {"name": "gblm"},
        "evaluation": {"dataset": "builtin", "domains": {"code": "builtin-code", "math": "./a=b.txt"}},
        "gate": {"domains": {"code": of_code, "math": {"max_kl": 2.0}}, "max_kl": 3.0},
    }
    file = recipe(tmp_path, json.dumps({"gate": {"domains": {"code": of_code}}}))
    assert sent("--recipe", file, *limits)["gate"]["domains"]["code"] == of_code
    with pytest.raises(CommandFailed, match=r"--max-kl code contradicts .* 0\.2 here, 0\.1 there"):
        sent("--recipe", file, "--max-kl", "code=0.2")
    with pytest.raises(typer.BadParameter, match="Code"):
        sent("--max-kl", "Code=0.2")
