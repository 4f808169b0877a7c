"""The documentation, the compose file and .env.example agree with jobs/settings."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from jobs import limits
from jobs.secret_files import SECRETS, file_variable
from jobs.settings import Settings, variable_of
from tests.limits import with_limits
from tools.settings_tables import ESSENTIAL, as_tables

CHECKOUT = Path(__file__).parents[2]
COMPOSE = (CHECKOUT / "docker-compose.yml").read_text()
EXAMPLE = (CHECKOUT / ".env.example").read_text()
DOCUMENTATION = (CHECKOUT / "docs" / "configuration.md").read_text()

FIELDS = {variable_of(name): name for name in Settings.model_fields}
REQUIRED = {"DATABASE_URL": "postgresql://db/x", "BROKER_URL": "redis://b/0", "STORE_URL": "file:///store"}
OF_THE_EGRESS = {"HTTPS_PROXY", "EGRESS_HOSTS"}
SECRET_FILES = {file_variable(variable) for variable in SECRETS}


def services() -> dict[str, dict[str, Any]]:
    """Return the environment of every service that runs our images."""
    found = yaml.safe_load(COMPOSE)["services"]
    return {
        name: service["environment"]
        for name, service in found.items()
        if service.get("image", "").startswith("pruneserve-")
    }


def substituted() -> dict[str, str | None]:
    """Return what the compose file takes from .env: the names, with the default where there is one."""
    found = re.findall(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", COMPOSE)
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    return {name: None if name in required else default for name, default in found}


def given() -> dict[str, str]:
    """Return the assignments of .env.example."""
    return dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE))


def parsed(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Settings:
    for variable in FIELDS:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in (REQUIRED | environment).items():
        monkeypatch.setenv(variable, value)
    return Settings()


def defaults_written_down() -> Iterator[tuple[str, str]]:
    for variable, default in (*substituted().items(), *given().items()):
        if variable in FIELDS:
            yield variable, default or ""


def test_the_documentation_has_the_tables_of_all_settings() -> None:
    tables = re.findall(r"^\| variable \|.*?\n(?=\n)", DOCUMENTATION, re.MULTILINE | re.DOTALL)
    assert "\n".join(tables) == as_tables(), "replace them by what `tools.settings_tables` prints"


def test_an_operator_reads_few_settings_and_first_those_of_the_installation() -> None:
    of_s3 = {"AWS_ENDPOINT_URL", "AWS_REGION", *(name for name in SECRETS if name.startswith("AWS_"))}
    assert len(ESSENTIAL) == 20
    assert set(ESSENTIAL) <= Settings.model_fields.keys()
    assert len(Settings.model_fields) + len(of_s3) <= 47


def test_the_limits_of_a_process_that_a_test_starts_are_known_ones() -> None:
    command = [sys.executable, "-c", "from jobs import limits; print(limits.LEASE_SECONDS)"]
    replaced = with_limits(with_limits(HEARTBEAT_SECONDS=1), LEASE_SECONDS=2)
    assert subprocess.check_output(command, env=os.environ | replaced, text=True) == "2\n"
    unknown = subprocess.run(
        command, env=os.environ | with_limits(LEASES=2), capture_output=True, text=True, check=False
    )
    assert "PRUNESERVE_TEST_LIMITS: no such limit: LEASES" in unknown.stderr


def test_a_late_heartbeat_loses_no_lease() -> None:
    assert limits.HEARTBEAT_SECONDS <= limits.LEASE_SECONDS / 2


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("service", services())
def test_the_compose_file_sets_only_variables_that_exist(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = services()[service]
    assert environment.keys() - OF_THE_EGRESS <= FIELDS.keys() | SECRET_FILES
    literal = {name: value for name, value in environment.items() if "$" not in value and name in FIELDS}
    assert parsed(monkeypatch, literal)


def test_a_limit_reaches_each_part_that_keeps_it() -> None:
    given_to = {
        variable: {name for name, environment in services().items() if variable in environment}
        for variable in ("PRUNESERVE_QUOTA_BYTES", "PRUNESERVE_CACHE_BYTES")
    }
    workers = {"worker", "worker-cpu"}
    assert given_to["PRUNESERVE_QUOTA_BYTES"] == {"api"} | workers
    assert given_to["PRUNESERVE_CACHE_BYTES"] == {"scheduler"} | workers


def test_the_compose_file_and_the_example_name_the_same_variables() -> None:
    assert given().keys() == substituted().keys()
    assert {name for name in given() if name.startswith("PRUNESERVE_")} <= FIELDS.keys()


@pytest.mark.parametrize(("variable", "default"), sorted(set(defaults_written_down())))
def test_a_default_is_the_same_wherever_it_is_written(
    variable: str, default: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = FIELDS[variable]
    assert getattr(parsed(monkeypatch, {variable: default}), name) == Settings.model_fields[name].default


def test_names_are_separated_by_commas_and_paths_by_colons(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = parsed(
        monkeypatch,
        {
            "PRUNESERVE_ALLOWED_HOSTS": "prune.example.org,::1",
            "PRUNESERVE_HUB_TOKEN_OWNERS": "ada, eve",
            "PRUNESERVE_QUEUES": "gpu.80g,gpu.24g",
            "PRUNESERVE_MODEL_ROOTS": "/models:/more,models",
        },
    )
    assert settings.allowed_hosts == ("prune.example.org", "::1")
    assert settings.hub_token_owners == ("ada", "eve")
    assert settings.queues == ("gpu.80g", "gpu.24g")
    assert settings.model_roots == (Path("/models"), Path("/more,models"))


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = parsed(monkeypatch, {"PRUNESERVE_HUB_TOKEN": "", "PRUNESERVE_ARTIFACT_RETENTION_DAYS": ""})
    assert (settings.hub_token, settings.artifact_retention_days) == (None, None)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://prune.example.org", "https://prune.example.org"),
        ("HTTPS://Prune.Example.ORG:443/", "https://prune.example.org"),
        ("http://10.0.0.1:8000", "http://10.0.0.1:8000"),
        ("http://[fd00::1]:80", "http://[fd00::1]"),
    ],
)
def test_the_public_address_is_an_origin(monkeypatch: pytest.MonkeyPatch, given: str, origin: str) -> None:
    assert parsed(monkeypatch, {"PRUNESERVE_PUBLIC_URL": given}).public_url == origin


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PRUNESERVE_PUBLIC_URL", "https://a.example/path"),
        ("PRUNESERVE_PUBLIC_URL", "https://user@a.example"),
        ("PRUNESERVE_PUBLIC_URL", "a.example"),
        ("PRUNESERVE_TRUSTED_PROXIES", "*"),
        ("PRUNESERVE_TRUSTED_PROXIES", "10.0.0.1/8"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    with pytest.raises(ValidationError):
        parsed(monkeypatch, {variable: value})


OIDC = {
    "PRUNESERVE_OIDC_ISSUER": "https://login.example.org/realms/team",
    "PRUNESERVE_OIDC_CLIENT_ID": "pruneserve",
    "PRUNESERVE_OIDC_GROUPS": '{"/team/llm": "llm:writer", "cn=sre,dc=example": "platform:admin"}',
    "PRUNESERVE_PUBLIC_URL": "https://prune.example.org",
}


def test_groups_are_mapped_whatever_letters_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed(monkeypatch, OIDC).oidc_groups == {
        "/team/llm": ("llm", "writer"),
        "cn=sre,dc=example": ("platform", "admin"),
    }


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PRUNESERVE_OIDC_ISSUER", "http://login.example.org", "https://login"),
        ("PRUNESERVE_OIDC_ISSUER", "https://user@login.example.org", "https://login"),
        ("PRUNESERVE_OIDC_CLIENT_ID", "", "PRUNESERVE_OIDC_CLIENT_ID is not set"),
        ("PRUNESERVE_OIDC_GROUPS", "", "PRUNESERVE_OIDC_GROUPS is not set"),
        ("PRUNESERVE_PUBLIC_URL", "", "PRUNESERVE_PUBLIC_URL is not set"),
        ("PRUNESERVE_OIDC_GROUPS", "llm-team=llm", "must be JSON"),
        ("PRUNESERVE_OIDC_GROUPS", '["llm"]', "must be an object"),
        ("PRUNESERVE_OIDC_GROUPS", '{"g": "llm:owner"}', "group 'g': must be an owner and a role"),
        ("PRUNESERVE_OIDC_GROUPS", '{"g": ["llm", "writer"]}', "group 'g': must be an owner and a role"),
        ("PRUNESERVE_OIDC_SCOPES", "profile", "pattern"),
    ],
)
def test_an_identity_provider_that_cannot_be_used_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        parsed(monkeypatch, OIDC | {variable: value})
