"""docker-compose.yml: what each part may reach, read and use, and the secrets that `make secrets` makes."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from tools import compose_secrets

CHECKOUT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

MODELS = {
    "type": "bind",
    "source": "${MODELS:-./models}",
    "target": "/models",
    "read_only": True,
    "bind": {"create_host_path": False},
}

pytestmark = pytest.mark.threat


@pytest.mark.parametrize("name", SERVICES)
def test_every_part_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert not service.get("privileged")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 4096
    assert service["logging"] == {"driver": "local"}, "it rotates its files; json-file does not"
    assert re.fullmatch(r"(\$\{\w+:-)?\d+[mg]\}?", service["mem_limit"])


def test_the_documented_options_of_podman_are_those_of_the_compose_file() -> None:
    page = " ".join((CHECKOUT / "docs" / "install.md").read_text().split())
    (text,) = re.findall(
        r"`podman run` takes the options of the compose file \((.*?)\), and each secret", page
    )
    of_the_api, of_the_worker = text.split("; for the worker ")
    api, worker = SERVICES["api"], SERVICES["worker"]
    assert of_the_api == (
        "`--init --read-only --read-only-tmpfs=false --cap-drop ALL --security-opt no-new-privileges "
        f"--pids-limit {api['pids_limit']} --memory {api['mem_limit']} --tmpfs {api['tmpfs'][0]}`"
    )
    assert f"`--pids-limit {worker['pids_limit']}`" in of_the_worker
    # With a read-only root, podman's /dev/shm is read-only as well; Docker's is not.
    assert f"`--tmpfs /dev/shm:size={worker['shm_size']}`" in of_the_worker


def test_each_part_has_only_the_secrets_that_it_needs() -> None:
    given = {name: set(service.get("secrets", ())) for name, service in SERVICES.items()}
    assert given == {
        "migrations": {"database_owner_url"},
        "api": {"database_url", "secret_keys", "hub_token", "oidc_client_secret"},
        "scheduler": {"database_url", "broker_url", "secret_keys", "hub_token"},
        "worker": {"database_url", "broker_url", "hub_token"},
        "worker-cpu": {"database_url", "broker_url", "hub_token"},
        "egress": set(),
        "postgres": {"postgres_owner_password", "postgres_app_password"},
        "valkey": {"valkey_conf"},
    }


def test_no_secret_is_in_an_environment() -> None:
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]
            else:
                assert not re.search("PASSWORD|SECRET|TOKEN$|KEY|DATABASE_URL|BROKER_URL", variable)


def test_only_what_must_reach_the_outside_can() -> None:
    inside = {name for name, network in COMPOSE["networks"].items() if network and network.get("internal")}
    assert inside == {"database", "broker", "egress"}
    outside = {name for name, service in SERVICES.items() if not inside >= set(service["networks"])}
    assert outside == {"api", "scheduler", "egress"}
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"api"}


def test_parts_share_a_network_only_where_they_talk() -> None:
    on = {
        network: {name for name, service in SERVICES.items() if network in service["networks"]}
        for network in COMPOSE["networks"]
    }
    workers = {"worker", "worker-cpu"}
    assert on["database"] == {"postgres", "migrations", "api", "scheduler"} | workers
    assert on["broker"] == {"valkey", "scheduler"} | workers
    assert on["egress"] == {"egress"} | workers


def test_a_worker_without_a_gpu_is_like_the_other_one_but_for_its_queue() -> None:
    with_gpu, without = SERVICES["worker"], SERVICES["worker-cpu"]
    own = ("environment", "volumes", "deploy", "profiles")
    assert {name: it for name, it in without.items() if name not in own} == {
        name: it for name, it in with_gpu.items() if name not in own
    }
    assert without["environment"] == with_gpu["environment"] | {
        "PRUNESERVE_DEVICE": "cpu",
        "PRUNESERVE_QUEUES": "cpu",
    }
    assert without["profiles"] == ["cpu"]
    assert not without["deploy"], "no GPU is reserved for it"


def test_the_egress_lets_through_tls_to_its_hosts_and_what_is_below_them() -> None:
    """By grep, which reads the same extended expressions, on what the image's command writes."""
    command = re.findall(r"^CMD (.*tinyproxy.*)", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)[0]
    shell, option, script = json.loads(command)
    write, _, rest = script.partition(" > ")
    environment = {"PATH": os.environ["PATH"], "EGRESS_HOSTS": "huggingface.co hf.co"}
    filters = subprocess.check_output([shell, option, write], env=environment, text=True)
    through = ["huggingface.co:443", "hf.co:443", "cas-bridge.xethub.hf.co:443"]
    refused = [
        *("evilhf.co:443", "hf.co.example.org:443", "hfxco:443", "example.org:443", "hf.co:80", "hf.co"),
        *("http://hf.co/", "http://hf.co:443", "http://example.org/hf.co:443", "example.org:1@.hf.co:443"),
    ]
    asked = "\n".join(through + refused)
    matched = subprocess.check_output(["grep", "-E", "-i", filters.strip()], input=asked, text=True)
    assert matched.split() == through

    lines = (CHECKOUT / "deploy/egress.conf").read_text().splitlines()
    settings = dict(line.split(" ", 1) for line in lines if not line.startswith("#"))
    assert settings["Filter"] == f'"{rest.split()[0]}"'
    # Of a request's line, not of its host alone: only CONNECT has a name and a port there.
    assert (settings["FilterURLs"], settings["FilterType"]) == ("Yes", "ere")
    assert (settings["FilterDefaultDeny"], settings["ConnectPort"]) == ("Yes", "443")


@pytest.mark.parametrize("kind", ["networks", "secrets", "volumes"])
def test_what_is_used_is_declared_and_the_other_way_round(kind: str) -> None:
    entries = [entry for service in SERVICES.values() for entry in service.get(kind, ()) if entry != MODELS]
    used = {entry.partition(":")[0] for entry in entries}
    named = {name for name in used if not name.startswith((".", "/"))}
    assert named == set(COMPOSE[kind])


def test_the_parts_that_use_the_store_share_one_directory_that_they_may_write() -> None:
    place = "/var/lib/pruneserve/store"
    urls = {name: it["environment"]["STORE_URL"] for name, it in SERVICES.items() if "STORE_URL" in str(it)}
    assert urls == dict.fromkeys(("api", "scheduler", "worker", "worker-cpu"), f"file://{place}")
    assert all(f"store:{place}" in SERVICES[name]["volumes"] for name in urls)


def test_no_part_starts_where_the_directory_of_models_is_missing_and_none_may_write_to_it() -> None:
    """Docker would make an empty one, in which no job finds its model."""
    with_it = {name for name, it in SERVICES.items() if "PRUNESERVE_MODEL_ROOTS" in it.get("environment", {})}
    assert with_it == {"api", "scheduler", "worker", "worker-cpu"}
    assert all(MODELS in SERVICES[name]["volumes"] for name in with_it)


def test_the_images_directories_are_the_volumes() -> None:
    """A volume takes the owner of the image's directory, so the directory must be in the image."""
    dockerfile = (CHECKOUT / "Dockerfile").read_text()
    mounted = [entry.split(":") for entry in SERVICES["worker"]["volumes"] if entry != MODELS]
    places = {place for name, place, *_ in mounted if name in COMPOSE["volumes"]}
    assert places == {f"/var/lib/pruneserve/{name}" for name in ("store", "huggingface", "triton", "work")}
    assert all(f"{place} " in dockerfile or f"{place}\n" in dockerfile for place in places)


def test_the_made_secrets_are_those_that_are_mounted_and_fit_together(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    compose_secrets.main(folder)
    made = {path.name: path.read_text().strip() for path in folder.iterdir()}
    assert {f"./secrets/{name}" for name in made} == {entry["file"] for entry in COMPOSE["secrets"].values()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for role, url, password in (
        ("pruneserve_owner", "database_owner_url", "postgres_owner_password"),
        ("pruneserve", "database_url", "postgres_app_password"),
    ):
        parsed = make_url(made[url])
        assert (parsed.username, parsed.password) == (role, made[password])
    assert made["valkey_conf"] == f"requirepass {make_url(made['broker_url']).password}"
    Fernet(made["secret_keys"])

    (folder / "hub_token").write_text("hf_given\n")
    (folder / "broker_url").unlink()
    compose_secrets.main(folder)
    assert {path.name: path.read_text().strip() for path in folder.iterdir()} == made | {
        "hub_token": "hf_given"
    }
