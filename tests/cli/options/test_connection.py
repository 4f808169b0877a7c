"""Which server a command talks to, and with which key: profiles, variables and options in their order."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.terminal import Exit
from tests.scripted_server import ScriptedServer, problem_document, scripted_server

OF_STAGING = {"PRUNESERVE_PROFILE": "staging", "PRUNESERVE_API_KEY": "ps_v"}


@pytest.fixture
def other() -> object:
    with scripted_server() as server:
        yield server


@pytest.fixture
def config(
    server: ScriptedServer, other: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A file with two profiles: one with its own key beside the file, one without."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("PRUNESERVE_URL", "PRUNESERVE_API_KEY", "PRUNESERVE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for one in (server, other):
        one.on("/v1/methods", lambda it: it.json({"items": []}))
    file = tmp_path / "pruneserve" / "config.toml"
    file.parent.mkdir()
    (file.parent / "key").write_text("ps_of_the_profile\n")
    file.write_text(
        f'[profiles.staging]\nurl = "{server.url}"\nkey-file = "key"\n'
        f'[profiles.keyless]\nurl = "{other.url}"\n'
    )
    return file


def methods(*options: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["tools", "methods", *options], env=environment)


def keys(server: ScriptedServer) -> list[str]:
    return [headers["Authorization"].removeprefix("Bearer ") for _, headers in server.requests]


@pytest.mark.parametrize(
    ("options", "environment", "at", "key"),
    [
        (["--profile", "staging"], {}, "server", "ps_of_the_profile"),
        ([], {"PRUNESERVE_PROFILE": "staging"}, "server", "ps_of_the_profile"),
        ([], OF_STAGING, "server", "ps_of_the_profile"),
        (["--profile", "staging"], {"PRUNESERVE_URL": "OTHER"}, "server", "ps_of_the_profile"),
        (
            [],
            {"PRUNESERVE_URL": "OTHER", "PRUNESERVE_PROFILE": "staging", "PRUNESERVE_API_KEY": "ps_v"},
            "other",
            "ps_v",
        ),
        (
            ["--url", "OTHER"],
            {"PRUNESERVE_PROFILE": "staging", "PRUNESERVE_API_KEY": "ps_v"},
            "other",
            "ps_v",
        ),
    ],
)
def test_options_override_the_environment_and_that_the_profiles(
    config: Path,
    server: ScriptedServer,
    other: ScriptedServer,
    options: list[str],
    environment: dict[str, str],
    at: str,
    key: str,
) -> None:
    def filled(text: str) -> str:
        return text.replace("OTHER", other.url)

    result = methods(*map(filled, options), **{name: filled(value) for name, value in environment.items()})
    assert result.exit_code == Exit.OK, result.output
    assert (keys(server), keys(other)) == (([key], []) if at == "server" else ([], [key]))


def test_a_connection_may_stand_before_the_command(
    config: Path, server: ScriptedServer, other: ScriptedServer
) -> None:
    key = ["--key-file", str(config.parent / "key")]
    for arguments in (
        ["--profile", "staging", "tools", "methods"],
        ["--url", server.url, *key, "tools", "methods"],
        [*key, "tools", "methods", "--profile", "staging"],
        ["--profile", "keyless", "tools", "methods", "--profile", "staging"],
    ):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == Exit.OK, result.output
    assert (keys(server), keys(other)) == (["ps_of_the_profile"] * 4, [])


def test_a_line_break_after_the_key_of_the_environment_is_none_of_it(
    config: Path, other: ScriptedServer
) -> None:
    result = methods("--url", other.url, PRUNESERVE_API_KEY="ps_v\n")
    assert (result.exit_code, keys(other)) == (Exit.OK, ["ps_v"])


@pytest.mark.threat
@pytest.mark.parametrize("key", ["", "ps_v"])
@pytest.mark.parametrize("scheme", ["http", "ftp"])
def test_a_password_in_an_address_is_refused_and_not_shown(config: Path, key: str, scheme: str) -> None:
    result = methods("--url", f"{scheme}://user:hush@127.0.0.1:1", PRUNESERVE_API_KEY=key)
    assert result.exit_code == Exit.USAGE
    assert "must not hold a user name or a password" in result.stderr
    assert "hush" not in result.output


def test_a_wrong_key_and_a_missing_server_have_a_next_step(config: Path, server: ScriptedServer) -> None:
    server.on("/v1/methods", lambda it: it.json(problem_document("Send a valid API key.", 401), 401))
    refused = methods("--profile", "staging")
    assert refused.exit_code == Exit.USAGE
    assert "does not know this key: give another by --key-file" in refused.stderr
    away = methods("--url", "http://127.0.0.1:1", PRUNESERVE_API_KEY="ps_v")
    assert away.exit_code == Exit.UNREACHABLE
    assert "Connection refused; start a service on this machine with `pruneserve up`" in away.stderr


def test_a_missing_server_is_reported_before_a_missing_key(config: Path, server: ScriptedServer) -> None:
    away = methods("--url", "http://127.0.0.1:1")
    assert away.exit_code == Exit.UNREACHABLE
    assert "http://127.0.0.1:1 does not answer: Connection refused; start a service" in away.stderr
    there = methods("--url", server.url)
    assert (there.exit_code, "no API key: give a file" in there.stderr) == (Exit.USAGE, True)
    assert server.requests == []


def test_a_profile_without_a_file_of_profiles_names_the_file(config: Path) -> None:
    config.unlink()
    result = methods("--profile", "staging")
    assert (result.exit_code, f"{config} does not exist" in result.stderr) == (Exit.USAGE, True)


@pytest.mark.threat
def test_the_key_of_the_environment_goes_to_no_profiles_server(
    config: Path, server: ScriptedServer, other: ScriptedServer
) -> None:
    key = {"PRUNESERVE_API_KEY": "ps_v"}
    config.write_text('default = "keyless"\n' + config.read_text())
    for options, environment in (
        (["--profile", "keyless"], key | {"PRUNESERVE_URL": server.url}),
        ([], key | {"PRUNESERVE_PROFILE": "keyless"}),
        ([], key),
    ):
        result = methods(*options, **environment)
        assert result.exit_code == Exit.USAGE
        assert "PRUNESERVE_API_KEY goes only to the address of PRUNESERVE_URL or --url" in result.stderr
    assert (server.requests, other.requests) == ([], [])


@pytest.mark.threat
@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_key_file_that_others_may_read_is_warned_of(
    config: Path, server: ScriptedServer, mode: int, warned: bool
) -> None:
    (config.parent / "key").chmod(mode)
    result = methods("--profile", "staging")
    assert (result.exit_code, keys(server)) == (Exit.OK, ["ps_of_the_profile"])
    assert ("warning: others on this machine may read the key" in result.stderr) == warned


def test_the_default_profile_is_for_commands_that_name_nothing(
    config: Path, server: ScriptedServer, other: ScriptedServer
) -> None:
    assert methods().exit_code == Exit.UNREACHABLE
    config.write_text('default = "staging"\n' + config.read_text())
    assert methods().exit_code == Exit.OK
    assert (keys(server), keys(other)) == (["ps_of_the_profile"], [])


def test_the_key_of_a_profile_never_goes_to_another_server(config: Path, other: ScriptedServer) -> None:
    both = methods("--profile", "staging", "--url", other.url)
    assert (both.exit_code, "not both" in both.stderr) == (Exit.USAGE, True)
    config.write_text('default = "staging"\n' + config.read_text())
    assert methods("--url", other.url).exit_code == Exit.USAGE  # without a key of its own
    assert other.requests == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[profiles.staging", "cannot read"),
        ("servers = 1", "may have `default` and"),
        ("[profiles.staging]\nkey-file = 'k'", "must have `url`"),
        ("[profiles.staging]\nurl = 'http://h'\nkey = 'ps_secret'", "may have `key-file`"),
        ("[profiles.other]\nurl = 'http://h'", "has no profile 'staging'; it has other"),
        ("", "has no profile 'staging'; it has none"),
    ],
)
def test_an_invalid_configuration_file_has_advice(config: Path, text: str, says: str) -> None:
    config.write_text(text)
    result = methods("--profile", "staging")
    assert (result.exit_code, says in result.stderr) == (Exit.USAGE, True), result.stderr
    assert "ps_secret" not in result.output
