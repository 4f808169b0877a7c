"""deploy/kubernetes, as `kubectl kustomize` renders it: schemas, confinement, secrets.

kubectl comes with the extra `dev`.
"""

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from jobs.settings import Settings, variable_of

CHECKOUT = Path(__file__).parents[2]
KUBERNETES = CHECKOUT / "deploy" / "kubernetes"
OVERLAYS = ("cpu", "gpu")
VERSIONS = ("1.30", "1.37")
"""The oldest release of Kubernetes that docs/kubernetes.md names, and the newest with schemas here."""

S3_KEYS = {"s3_access_key_id", "s3_secret_access_key"}
SECRETS = {
    "migrations": {"database_owner_url"},
    "api": {"database_url", "secret_keys", "hub_token", "oidc_client_secret"} | S3_KEYS,
    "scheduler": {"database_url", "broker_url", "secret_keys", "hub_token"} | S3_KEYS,
    "worker": {"database_url", "broker_url", "hub_token"} | S3_KEYS,
    "egress": set(),
}
"""Those of docker-compose.yml, and the keys of the bucket."""


Thing = Mapping[str, Any]


@functools.cache
def rendered(overlay: str) -> list[Thing]:
    kubectl = Path(sys.executable).parent / "kubectl"
    done = subprocess.run(
        [kubectl, "kustomize", KUBERNETES / "overlays" / overlay], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "a warning, such as of a field that is no more"
    return list(yaml.safe_load_all(done.stdout))


def all_rendered() -> list[Thing]:
    """What the overlays have, each thing once."""
    return list({json.dumps(it, sort_keys=True): it for name in OVERLAYS for it in rendered(name)}.values())


def pods() -> Iterator[tuple[str, Thing]]:
    """The templates of pods, each with its component."""
    for overlay in OVERLAYS:
        for thing in rendered(overlay):
            if template := thing.get("spec", {}).get("template"):
                yield template["metadata"]["labels"]["app.kubernetes.io/component"], template


def containers() -> Iterator[tuple[str, Thing, Thing]]:
    for component, template in pods():
        (container,) = template["spec"]["containers"]
        yield component, template["spec"], container


def environment(container: Thing) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container.get("env", ()) if "value" in each}


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_accepts_every_object(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # It reads all definitions again for each object.
    from kubernetes_validate import utils

    monkeypatch.setattr(utils, "schema_contents", functools.cache(utils.schema_contents))
    checked = set()
    for thing in all_rendered():
        kubernetes_validate.validate(thing, version, strict=True)
        checked.add(thing["kind"])
    assert checked >= {"Deployment", "StatefulSet", "Job", "NetworkPolicy", "PodDisruptionBudget", "Service"}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**thing, "apiVersion": "v1", "kind": "Service"}, version, strict=True)


@pytest.mark.threat
def test_every_pod_is_confined() -> None:
    for component, pod, container in containers():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["runAsGroup"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["automountServiceAccountToken"] is False, "no part talks to Kubernetes"
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), component
        assert "memory" in container["resources"]["limits"], component
    (namespace,) = (it for it in rendered("cpu") if it["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_user_is_that_of_the_images() -> None:
    assert "useradd --uid 10001 " in (CHECKOUT / "Dockerfile").read_text()


@pytest.mark.threat
def test_each_part_has_only_the_secrets_that_it_needs_and_as_files() -> None:
    for component, pod, container in containers():
        files = {
            value.removeprefix("/run/secrets/")
            for name, value in environment(container).items()
            if name.endswith("_FILE")
        }
        assert files == SECRETS[component]
        mounted = {it["name"]: it["mountPath"] for it in container["volumeMounts"]}
        given = [volume for volume in pod["volumes"] if "secret" in volume]
        assert [volume["secret"]["secretName"] for volume in given] == ([component] if files else [])
        for volume in given:
            assert mounted[volume["name"]] == "/run/secrets"
            assert volume["secret"]["defaultMode"] == 0o440
        for name in environment(container):
            assert name.endswith("_FILE") or not re.search("PASSWORD|SECRET|TOKEN|KEY|_URL$", name)
        assert not any("secretRef" in source for source in container.get("envFrom", ()))


def test_the_documented_commands_make_these_secrets() -> None:
    page = (CHECKOUT / "docs" / "kubernetes.md").read_text().replace("\\\n", " ")
    made = {
        name: set(re.findall(r"--from-file=secrets/(\w+)", rest))
        for name, rest in re.findall(r"create secret generic (\S+) (.*)", page)
    }
    assert made == {name: files for name, files in SECRETS.items() if files}


def test_the_images_are_those_of_the_dockerfile_and_of_this_release() -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text()
    release = re.findall(r'^version = "(.*)"', (CHECKOUT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    for component, _, container in containers():
        image, _, tag = container["image"].partition(":")
        target = image.removeprefix("pruneserve-")
        assert re.search(rf"^FROM \S+ AS {target}$", dockerfile, re.MULTILINE)
        assert f"docker build --target {target} -t {image} ." in dockerfile
        assert target == (component if component in ("worker", "egress") else "api")
        assert tag == release


def test_a_process_ends_before_it_is_killed() -> None:
    for component, pod, container in containers():
        if component == "worker":
            needs = int(environment(container)["PRUNESERVE_SHUTDOWN_SECONDS"])
            assert pod["terminationGracePeriodSeconds"] >= needs + 15
        if component in ("api", "egress"):
            waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert 0 < waits < pod["terminationGracePeriodSeconds"] / 2


def test_no_outage_of_a_server_kills_a_process() -> None:
    """What a liveness probe asks answers without the database and the broker."""
    asked = {component: container.get("livenessProbe") for component, _, container in containers()}
    assert asked["api"]["httpGet"]["path"] == "/healthz"
    assert asked["worker"]["exec"]["command"] == ["python", "-m", "worker.health"]
    assert "tcpSocket" in asked["egress"]
    assert asked["scheduler"] is asked["migrations"] is None


def test_every_variable_is_a_setting_with_a_value_that_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {variable_of(name) for name in Settings.model_fields}
    of_libraries = {"AWS_ENDPOINT_URL", "AWS_REGION", "EGRESS_HOSTS", "HTTPS_PROXY"}
    maps = [it["data"] for name in OVERLAYS for it in rendered(name) if it["kind"] == "ConfigMap"]
    for component, _, container in containers():
        own = {
            name: value
            for name, value in environment(container).items()
            if not name.endswith("_FILE") and name not in of_libraries
        }
        for shared in maps:
            assert shared.keys() | own.keys() <= fields | of_libraries, component
            for variable in fields:
                monkeypatch.delenv(variable, raising=False)
            for name, value in {"DATABASE_URL": "postgresql://db/x", **shared, **own}.items():
                monkeypatch.setenv(name, value)
            Settings()
