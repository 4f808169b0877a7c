"""Which server a command talks to, and with which key: variables and options in their order."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.terminal import Exit
from tests.scripted_server import ScriptedServer, problem_document, scripted_server


@pytest.fixture
def other() -> object:
    with scripted_server() as server:
        yield server


@pytest.fixture
def key_file(
    server: ScriptedServer, other: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A file with a key. Neither the environment nor this machine names a server."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name in ("PRUNESERVE_URL", "PRUNESERVE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for one in (server, other):
        one.on("/v1/methods", lambda it: it.json({"items": []}))
    file = tmp_path / "key"
    file.write_text("ps_of_the_file\n")
    file.chmod(0o600)
    return file


def methods(*options: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["tools", "methods", *options], env=environment)


def keys(server: ScriptedServer) -> list[str]:
    return [headers["Authorization"].removeprefix("Bearer ") for _, headers in server.requests]


@pytest.mark.usefixtures("key_file")
def test_an_address_on_the_command_line_overrides_the_environment(
    server: ScriptedServer, other: ScriptedServer
) -> None:
    variables = {"PRUNESERVE_URL": server.url, "PRUNESERVE_API_KEY": "ps_v"}
    assert methods(**variables).exit_code == Exit.OK
    assert methods("--url", other.url, **variables).exit_code == Exit.OK
    assert (keys(server), keys(other)) == (["ps_v"], ["ps_v"])


def test_a_connection_may_stand_before_the_command(
    key_file: Path, server: ScriptedServer, other: ScriptedServer
) -> None:
    key = ["--key-file", str(key_file)]
    for arguments in (
        ["--url", server.url, *key, "tools", "methods"],
        [*key, "tools", "methods", "--url", server.url],
        ["--url", other.url, *key, "tools", "methods", "--url", server.url],
    ):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == Exit.OK, result.output
    assert (keys(server), keys(other)) == (["ps_of_the_file"] * 3, [])


@pytest.mark.usefixtures("key_file")
def test_a_line_break_after_the_key_of_the_environment_is_none_of_it(other: ScriptedServer) -> None:
    result = methods("--url", other.url, PRUNESERVE_API_KEY="ps_v\n")
    assert (result.exit_code, keys(other)) == (Exit.OK, ["ps_v"])


@pytest.mark.threat
@pytest.mark.parametrize("key", ["", "ps_v"])
@pytest.mark.parametrize("scheme", ["http", "ftp"])
@pytest.mark.usefixtures("key_file")
def test_a_password_in_an_address_is_refused_and_not_shown(key: str, scheme: str) -> None:
    result = methods("--url", f"{scheme}://user:hush@127.0.0.1:1", PRUNESERVE_API_KEY=key)
    assert result.exit_code == Exit.USAGE
    assert "must not hold a user name or a password" in result.stderr
    assert "hush" not in result.output


def test_a_wrong_key_and_a_missing_server_have_a_next_step(key_file: Path, server: ScriptedServer) -> None:
    server.on("/v1/methods", lambda it: it.json(problem_document("Send a valid API key.", 401), 401))
    refused = methods("--url", server.url, PRUNESERVE_API_KEY="ps_v")
    assert refused.exit_code == Exit.USAGE
    assert "or it has expired or was revoked: give another by --key-file" in refused.stderr
    away = methods("--url", "http://127.0.0.1:1", PRUNESERVE_API_KEY="ps_v")
    assert away.exit_code == Exit.UNREACHABLE
    assert away.stderr.endswith("Connection refused\n")
    local = key_file.parent / "pruneserve"
    local.mkdir()
    (local / "address").write_text("http://127.0.0.1:1")
    away = methods("--key-file", str(key_file))
    assert away.exit_code == Exit.UNREACHABLE
    assert "Connection refused; start a service on this machine with `pruneserve up`" in away.stderr


@pytest.mark.usefixtures("key_file")
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://prune.example"])
def test_without_a_key_nothing_is_asked_and_the_error_has_the_next_steps(url: str) -> None:
    for result in (methods("--url", url), methods(PRUNESERVE_URL=url)):
        assert result.exit_code == Exit.USAGE
        assert "no API key: give a file by --key-file" in result.stderr
        assert "pruneserve up" not in result.stderr
    for key in ("", "\n"):  # of a secret that a pull request from a fork does not get
        empty = methods("--url", url, PRUNESERVE_API_KEY=key)
        assert empty.exit_code == Exit.USAGE
        assert "no API key: PRUNESERVE_API_KEY is empty" in empty.stderr


def test_without_a_key_for_the_local_server_the_error_names_the_command_that_makes_one(
    key_file: Path, server: ScriptedServer
) -> None:
    (key_file.parent / "pruneserve").mkdir()
    (key_file.parent / "pruneserve" / "address").write_text(server.url)
    for environment in ({}, {"PRUNESERVE_API_KEY": ""}):
        result = methods(**environment)
        assert result.exit_code == Exit.USAGE
        assert "`pruneserve up` starts a service on this machine" in result.stderr


@pytest.mark.threat
def test_the_key_of_the_environment_does_not_go_to_the_local_server(
    key_file: Path, server: ScriptedServer
) -> None:
    local = key_file.parent / "pruneserve"
    local.mkdir()
    (local / "address").write_text(server.url)
    result = methods(PRUNESERVE_API_KEY="ps_v")
    assert result.exit_code == Exit.USAGE
    assert "PRUNESERVE_API_KEY goes only to the address of PRUNESERVE_URL or --url" in result.stderr
    assert server.requests == []
    (local / "api-key").write_text("ps_local")
    assert methods(PRUNESERVE_API_KEY="ps_v").exit_code == Exit.OK
    assert keys(server) == ["ps_local"]


@pytest.mark.threat
@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_key_file_that_others_may_read_is_warned_of(
    key_file: Path, server: ScriptedServer, mode: int, warned: bool
) -> None:
    key_file.chmod(mode)
    result = methods("--url", server.url, "--key-file", str(key_file))
    assert (result.exit_code, keys(server)) == (Exit.OK, ["ps_of_the_file"])
    assert ("warning: others on this machine may read the key" in result.stderr) == warned
