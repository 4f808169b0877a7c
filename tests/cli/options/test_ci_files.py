"""The files under ci/ use only options that the commands have, and run a job.

Their own scripts run here, with what GitHub and GitLab put into them.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
import typer
import yaml

from cli.main import app
from cli.terminal import Exit
from jobs.states import JobState
from tests.cli.options.ci_files import ACTION, CI, COMPONENT, SPEC, TEMPLATE, scripts
from tests.scripted_server import (
    ScriptedServer,
    artifact_document,
    job_document,
    state_event,
)


def options_of(command: str) -> set[str]:
    group = typer.main.get_command(app)
    return {name for parameter in group.commands[command].params for name in parameter.opts}  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ["run", "download"])
def test_every_option_in_the_ci_files_exists(command: str) -> None:
    calls = re.findall(
        rf"pruneserve {command} (.*?)(?:$|[&>|])", "\n".join(scripts()).replace("\\\n", ""), re.M
    )
    used = set(re.findall(r"(?<![\w-])--[a-z-]+", " ".join(calls)))
    assert used
    assert used <= options_of(command)


def test_needs_states_and_labels_of_the_ci_files_are_stated() -> None:
    for inputs, name in ((ACTION["inputs"], "install"), (SPEC["spec"]["inputs"], "image")):
        assert "Python 3.11 or newer" in inputs[name]["description"]
    states = re.findall(r"\w+", ACTION["outputs"]["state"]["description"])
    assert {*JobState} <= {*states}
    for inputs, script in (
        (ACTION["inputs"], ACTION["runs"]["steps"][1]["run"]),
        (SPEC["spec"]["inputs"], TEMPLATE["script"][-2]),
    ):
        names = set(re.findall(r'--label "(\w+)=', script))
        assert names == set(re.findall(r"`(\w+)`", inputs["recipe"]["description"]))
    # Of bash 4, which macOS lacks.
    assert not [text for text in scripts() if re.search(r"\^\^|,,\}|declare -A|mapfile|readarray", text)]


def test_every_input_is_used() -> None:
    for script, inputs, others in (
        (ACTION["runs"]["steps"][1]["run"], ACTION["inputs"], {"url", "api-key", "output", "junit"}),
        (TEMPLATE["script"][-2], SPEC["spec"]["inputs"], {"url", "job-name", "stage", "image", "download"}),
    ):
        found = re.search(r"for option in (.*); do", script)
        assert found
        passed_on = found[1].split()
        assert {f"--{name}" for name in passed_on} <= options_of("run")
        assert set(inputs) == {*passed_on, *others, "install", "export"}
    texts = yaml.safe_dump(TEMPLATE)
    assert all(f"$[[ inputs.{name} ]]" in texts or name == "job-name" for name in SPEC["spec"]["inputs"])
    # No text of an input is part of a script, where it could say anything.
    assert not any("${{" in text or "$[[" in text for text in scripts())


def test_the_documented_examples_name_inputs_and_what_to_install() -> None:
    page = (CI.parent / "docs" / "cli.md").read_text()
    action, component = (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    comment = "\n".join(re.findall("^#  (.*)", (CI / "gitlab" / "pruneserve.yml").read_text(), re.M))
    for given, inputs in (
        (action[0]["with"], ACTION["inputs"]),
        (component["include"][0]["inputs"], SPEC["spec"]["inputs"]),
        (yaml.safe_load(comment)["include"][0]["inputs"], SPEC["spec"]["inputs"]),
    ):
        assert set(given) <= set(inputs)
        assert {"url", "install", "model"} <= set(given)


@pytest.fixture
def here(tmp_path: Path, server: ScriptedServer) -> dict[str, str]:
    """The environment of a CI machine that has the command, an empty directory and no settings of a user.

    It has no program `python`, as machines with the packages of Debian alone.
    """
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, command in (
        ("pruneserve", f'exec {sys.executable} -m cli.main "$@"'),
        ("python", 'echo "python: not found" >&2; exit 127'),
    ):
        program = programs / name
        program.write_text(f"#!/bin/sh\n{command}\n")
        program.chmod(0o755)
    (tmp_path / "work").mkdir()
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "PYTHONPATH": str(CI.parent),
        "HOME": str(tmp_path),
        "PRUNESERVE_URL": server.url,
        "PRUNESERVE_API_KEY": "ps_key",
    }


def serve(server: ScriptedServer, job_id: UUID, *, passed: bool) -> list[Any]:
    """A server whose job has a perplexity, a gate and one file; what was submitted."""
    condition = {"name": "max_perplexity_increase", "limit": 0.05, "measured": 0.04, "margin": 0.01}
    gate = {
        "state": "passed" if passed else "failed",
        "conditions": [condition | {"state": "passed"}],
    }
    submitted = server.collect("/v1/jobs", job_document(job_id, "queued"), 201)
    perplexity = {"dense": 10.0, "pruned": 10.4}
    server.on_job(
        job_id,
        "succeeded",
        state_event(1, "succeeded"),
        gate=gate,
        perplexity=perplexity,
        measured_sparsity=0.5,
    )
    file = artifact_document("a.txt", b"abc", hashlib.sha256(b"abc").hexdigest(), "/content")
    server.on(f"/v1/jobs/{job_id}/artifacts", lambda it: it.json({"items": [file]}))
    server.on("/content", lambda it: it.body(b"abc"))
    return submitted


INPUTS = {
    "model": "org/$(name) `x`",
    "sparsity": "0.5",
    "max-increase": "5%",
    "export": "gguf:Q8_0\ngguf:*",
    "gate-on": "gguf:Q8_0",
}
BODY = {
    "model": {"id": INPUTS["model"]},
    "sparsity": 0.5,
    "method": {"name": "gblm"},
    "exports": ["gguf:Q8_0", "gguf:*"],
    "gate": {"max_perplexity_increase": 0.05, "export": "gguf:Q8_0"},
}
FIGURES = {
    "state": "succeeded",
    "dense-perplexity": "10",
    "perplexity": "10.4",
    "increase": "0.04",
    "sparsity": "0.5",
}


def junit_cases(file: Path) -> list[str]:
    cases = ElementTree.parse(file).getroot().iter("testcase")  # noqa: S314 - it was written a moment ago
    return [case.attrib["name"] for case in cases]


@pytest.mark.parametrize("passed", [True, False])
def test_the_action_runs_a_job_and_sets_outputs(
    server: ScriptedServer, here: dict[str, str], job_id: UUID, tmp_path: Path, passed: bool
) -> None:
    submitted = serve(server, job_id, passed=passed)
    given = INPUTS | {"url": server.url, "api-key": "ps_key", "junit": "junit.xml", "output": "pruned"}
    inputs = {name: given.get(name, about.get("default")) for name, about in ACTION["inputs"].items()}
    outputs, summary = tmp_path / "outputs", tmp_path / "summary.md"
    outputs.write_text("others=1\n")
    runner = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(outputs),
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_REPOSITORY": "org/models",
        "GITHUB_SHA": "5f3e9a1",
        "GITHUB_RUN_ID": "17",
    }
    for step in ACTION["runs"]["steps"]:
        filled = {
            name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], text)
            for name, text in step["env"].items()
        }
        # As GitHub runs `shell: bash`.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            command,
            env=here | runner | filled,
            cwd=tmp_path / "work",
            capture_output=True,
            text=True,
            check=False,
        )
        if step.get("id") == "run":
            assert done.returncode == (0 if passed else 3), done.stderr
        else:
            assert done.returncode == 0, done.stderr
    assert submitted == [BODY | {"labels": {"repository": "org/models", "commit": "5f3e9a1", "run": "17"}}]
    written = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
    assert written.pop("others") == "1"
    assert written == FIGURES | {
        "job": str(job_id),
        "url": f"{server.url}/jobs/{job_id}",
        "gate": "passed" if passed else "failed",
    }
    named = {name: f"${{{{ steps.run.outputs.{name} }}}}" for name in written}
    assert {name: about["value"] for name, about in ACTION["outputs"].items()} == named
    assert str(job_id) in summary.read_text()
    assert ("::error title=PruneServe%3A gate failed::" in done.stderr) == (not passed)
    assert f"{server.url}/jobs/{job_id}" in done.stdout
    assert len(junit_cases(tmp_path / "work" / "junit.xml")) == 2
    assert (tmp_path / "work" / "pruned" / "a.txt").exists() == passed


def act(environment: dict[str, str], work: Path) -> subprocess.Popen[str]:
    """The step of the action that prunes, as GitHub runs `shell: bash`."""
    empty = dict.fromkeys(ACTION["runs"]["steps"][1]["env"], "")
    github = dict.fromkeys(("GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_RUN_ID"), "x")
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", ACTION["runs"]["steps"][1]["run"]]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=empty | github | environment, cwd=work, **streams)  # type: ignore[call-overload, no-any-return]


CANCELLED = "trap 'exit 4' TERM; sleep 1; kill -TERM $PPID; for _ in {1..99}; do sleep 0.1; done"
PASSED = '[ "$1" = download ] || { echo job=x >> "$GITHUB_OUTPUT"; exit; }'


def run_step(directory: Path, command: str) -> tuple[int, str]:
    """Run the action's step with a `pruneserve` that is `command`; return its code, and what it printed."""
    program = directory / "pruneserve"
    program.write_text(f"#!/bin/bash\n{command}\n")
    program.chmod(0o755)
    environment = {"PATH": f"{directory}:/usr/bin:/bin", "OUTPUT": "pruned", "GITHUB_OUTPUT": "outputs"}
    with act(environment, directory) as step:
        output, _ = step.communicate(timeout=60)
    return step.returncode, output


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("kill -KILL $$", 137),
        (CANCELLED, 4),
        (f"{PASSED}; exit 6", 6),
        (f"{PASSED}; {CANCELLED}", 4),
    ],
    ids=["killed", "the step is cancelled", "the download fails", "the download is cancelled"],
)
def test_the_step_ends_with_the_code_of_the_command(tmp_path: Path, command: str, code: int) -> None:
    returned, output = run_step(tmp_path, command)
    assert returned == code, output


@pytest.mark.parametrize("there", [".hidden", "model.safetensors", None])
def test_the_action_refuses_an_output_that_is_not_empty(tmp_path: Path, there: str | None) -> None:
    """A model of an earlier run may lie there: beside the files of this one, that is what would be loaded."""
    (tmp_path / "pruned").mkdir()
    if there:
        (tmp_path / "pruned" / there).touch()
    returned, output = run_step(tmp_path, f"echo $1 >> calls\n{PASSED}")
    assert returned == (Exit.USAGE if there else Exit.OK), output
    assert ("output: pruned exists and is not empty" in output) == bool(there)
    calls = tmp_path / "calls"
    assert (calls.read_text().split() if calls.exists() else []) == ([] if there else ["run", "download"])


def interpolated(value: Any, inputs: dict[str, str]) -> Any:
    """What GitLab makes of a component with these inputs."""
    match value:
        case str():
            return re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: inputs[found[1]], value)
        case list():
            return [interpolated(one, inputs) for one in value]
        case dict():
            return {interpolated(key, inputs): interpolated(one, inputs) for key, one in value.items()}
    return value


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize(("passed", "download"), [(True, True), (False, True), (True, False)])
def test_the_component_runs_a_job_and_sets_variables(
    server: ScriptedServer,
    here: dict[str, str],
    job_id: UUID,
    tmp_path: Path,
    passed: bool,
    download: bool,
    shell: str,
) -> None:
    submitted = serve(server, job_id, passed=passed)
    inputs = {name: str(about.get("default", "")) for name, about in SPEC["spec"]["inputs"].items()}
    inputs |= INPUTS | {"url": server.url, "download": str(download).lower(), "job-name": "prune-it"}
    component = interpolated(COMPONENT, inputs)
    job = component["prune-it"]
    assert not any(about["expand"] for about in job["variables"].values())
    # A label holds 255 characters; a path of nested groups may be longer.
    path = "a" * 250 + "/models"
    predefined = {"CI_PROJECT_PATH": path, "CI_COMMIT_SHA": "5f3e9a1", "CI_PIPELINE_ID": "17"}
    work = tmp_path / "work"
    model, theirs = work / "pruneserve-model", work / "pruned" / "of-the-checkout"
    for file in (model / "of-an-earlier-stage.gguf", theirs):
        file.parent.mkdir()
        file.touch()
    done = subprocess.run(
        [shell, "-c", "set -e\n" + "\n".join(job["script"])],
        env=here | predefined | {name: about["value"] for name, about in job["variables"].items()},
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (0 if passed else 3), done.stderr
    labels = {"project": path[:255], "commit": "5f3e9a1", "pipeline": "17"}
    assert submitted == [BODY | {"labels": labels}]
    reports = job["artifacts"]["reports"]
    variables = dict(line.split("=", 1) for line in (work / reports["dotenv"]).read_text().splitlines())
    assert variables["PRUNED_JOB"] == str(job_id)
    assert variables["PRUNED_GATE"] == ("passed" if passed else "failed")
    assert {variables[f"PRUNED_{name.upper().replace('-', '_')}"] for name in FIGURES} == {*FIGURES.values()}
    assert len(junit_cases(work / reports["junit"])) == 2
    kept = [path for path in job["artifacts"]["paths"] if (work / path).exists()]
    there = passed and download
    assert kept == (["pruneserve.md", model.name] if there else ["pruneserve.md"])
    assert [*model.glob("*")] == ([model / "a.txt"] if there else [])
    assert theirs.exists()


@pytest.mark.parametrize(("shell", "failing"), [("sh", "install"), ("bash", "run")])
def test_the_component_uploads_nothing_of_an_earlier_stage_where_it_fails(
    here: dict[str, str], tmp_path: Path, shell: str, failing: str
) -> None:
    """GitLab puts the artifacts of earlier stages into the checkout, and uploads these whatever happens."""
    if failing == "install":
        (tmp_path / "bin" / "pruneserve").unlink()
    work, artifacts, earlier = tmp_path / "work", TEMPLATE["artifacts"], "of an earlier stage"
    uploaded = {*artifacts["paths"], *artifacts["reports"].values()}
    for name in uploaded:
        (work / name).write_text(earlier)
    predefined = dict.fromkeys(("CI_PROJECT_PATH", "CI_COMMIT_SHA", "CI_PIPELINE_ID"), "x")
    done = subprocess.run(
        [shell, "-c", "set -e\n" + "\n".join(TEMPLATE["script"])],
        env=here | predefined | {"PRUNE_SPARSITY": "none"},
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (Exit.FAILED if failing == "install" else Exit.USAGE)
    assert ("the input install" in done.stderr) == (failing == "install")
    assert not [name for name in uploaded if (work / name).exists() and (work / name).read_text() == earlier]
