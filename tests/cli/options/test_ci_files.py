"""The files under ci/ use only options that the commands have, and install what the server offers."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from api.actions.client_wheel import client_wheel
from cli.main import app
from tests.scripted_server import ScriptedServer

CI = Path(__file__).parents[3] / "ci"


def scripts() -> Iterator[str]:
    for step in yaml.safe_load((CI / "github" / "action.yml").read_text())["runs"]["steps"]:
        yield step["run"]
    yield from yaml.safe_load((CI / "gitlab" / "pruneserve.yml").read_text())[".pruneserve"]["script"]


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


@pytest.fixture
def away(tmp_path: Path) -> dict[str, str]:
    """The environment of a CI machine without the command; pip installs into a directory of the test."""
    programs = tmp_path / "bin"
    programs.mkdir()
    python = programs / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "PIP_TARGET": str(tmp_path / "site"),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PRUNESERVE_API_KEY": "a-key",
        "GITHUB_ACTION_PATH": str(CI / "github"),
    }


def installer(system: str) -> str:
    """The steps of a CI file that install the command."""
    if system == "github":
        return yaml.safe_load((CI / "github" / "action.yml").read_text())["runs"]["steps"][0]["run"]  # type: ignore[no-any-return]
    *steps, _ = yaml.safe_load((CI / "gitlab" / "pruneserve.yml").read_text())[".pruneserve"]["script"]
    return "set -eo pipefail\n" + "\n".join(steps)


def offer(server: ScriptedServer, content: bytes, sha256: str) -> None:
    name = client_wheel().name
    server.on("/v1/client", lambda it: it.json({"name": f"../../{name}", "sha256": sha256}))
    server.on("/v1/client/content", lambda it: it.body(content))


def install(system: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-e", "-c", installer(system)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.threat
@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_the_client_of_the_server_is_installed_once_its_digest_is_checked(
    system: str, server: ScriptedServer, away: dict[str, str]
) -> None:
    wheel = client_wheel()
    away |= {"PRUNESERVE_URL": server.url + "/"}
    site = Path(away["PIP_TARGET"])
    offer(server, wheel.content, wheel.sha256)
    refused = install(system, away | {"PRUNESERVE_CLIENT_SHA256": "ab" * 32})
    assert (refused.returncode, site.exists()) == (1, False)
    assert f"has the SHA-256 {wheel.sha256}, not {'ab' * 32}" in refused.stderr
    offer(server, wheel.content[:-1], wheel.sha256)
    assert (install(system, away).returncode, site.exists()) == (1, False)

    offer(server, wheel.content, wheel.sha256)
    done = install(system, away)
    assert done.returncode == 0, done.stderr
    assert {"cli", "pruneserve_client", "pruneserve_entry", "bin"} <= {path.name for path in site.iterdir()}
    assert all(headers["Authorization"] == "Bearer a-key" for _, headers in server.requests)


@pytest.mark.threat
def test_the_key_follows_no_redirect(server: ScriptedServer, away: dict[str, str]) -> None:
    away |= {"PRUNESERVE_URL": server.url}
    server.on("/v1/client", lambda it: it.body(b"", 302, Location=f"{server.url}/elsewhere"))
    assert install("github", away).returncode == 1
    assert [path for path, _ in server.requests] == ["/v1/client"]


def test_both_ci_files_install_by_the_same_script() -> None:
    inlined = re.search(r"<<'PYTHON'\n(.*?)PYTHON\n", installer("gitlab"), re.S)
    assert inlined
    assert inlined[1] == (CI / "install_client.py").read_text()


def test_every_input_of_the_action_is_used() -> None:
    action = yaml.safe_load((CI / "github" / "action.yml").read_text())
    script = action["runs"]["steps"][1]["run"]
    found = re.search(r"for option in (.*); do", script)
    assert found
    passed_on = found[1].split()
    assert {f"--{name}" for name in passed_on} <= options_of("run")
    assert set(action["inputs"]) == {*passed_on, "url", "api-key", "output", "install", "client-sha256"}
    # No text of an input is part of a script, where it could say anything.
    assert not any("${{" in text for text in scripts())
