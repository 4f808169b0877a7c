"""deploy/kubernetes, as `kubectl kustomize` renders it: schemas, confinement, secrets, networks, classes.

kubectl comes with the extra `dev`. KEDA's ScaledObject and ScaledJob are checked against keda_schemas.json,
which says where it is from.
"""

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from jobs.queue.resources import Capacity, class_of
from jobs.settings import Settings, variable_of

CHECKOUT = Path(__file__).parents[2]
KUBERNETES = CHECKOUT / "deploy" / "kubernetes"
OVERLAYS = ("cpu", "gpu", "fleet")
KEDA_SCHEMAS: dict[str, Any] = json.loads((Path(__file__).parent / "keda_schemas.json").read_text())
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


def template_of(thing: Thing) -> Thing | None:
    spec = thing.get("spec", {})
    return spec.get("jobTargetRef", spec).get("template")


def pods(*overlays: str) -> Iterator[tuple[str, Thing]]:
    """The templates of pods, each with its component."""
    for overlay in overlays or OVERLAYS:
        for thing in rendered(overlay):
            if template := template_of(thing):
                yield template["metadata"]["labels"]["app.kubernetes.io/component"], template


def containers(*overlays: str) -> Iterator[tuple[str, Thing, Thing]]:
    for component, template in pods(*overlays):
        (container,) = template["spec"]["containers"]
        yield component, template["spec"], container


def environment(container: Thing) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container.get("env", ()) if "value" in each}


def strictly(schema: Any) -> Any:
    """The schema, with no field that it does not name. As JSON Schema says what Kubernetes adds to it."""
    if isinstance(schema, list):
        return [strictly(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: strictly(value) for name, value in schema.items()}
    if strict.pop("x-kubernetes-int-or-string", False):
        strict["type"] = ["integer", "string"]
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        strict["additionalProperties"] = False
    return strict


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_accepts_every_object(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # It reads all definitions again for each object.
    from kubernetes_validate import utils

    monkeypatch.setattr(utils, "schema_contents", functools.cache(utils.schema_contents))
    checked = set()
    for thing in all_rendered():
        if not thing["apiVersion"].startswith("keda.sh/"):
            kubernetes_validate.validate(thing, version, strict=True)
            checked.add(thing["kind"])
        elif thing["kind"] == "ScaledJob":
            job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "any"}}
            kubernetes_validate.validate({**job, "spec": thing["spec"]["jobTargetRef"]}, version, strict=True)
    assert checked >= {"Deployment", "StatefulSet", "Job", "NetworkPolicy", "PodDisruptionBudget", "Service"}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**thing, "apiVersion": "v1", "kind": "Service"}, version, strict=True)


def test_keda_accepts_its_objects() -> None:
    found = [it for it in rendered("fleet") if it["kind"] in KEDA_SCHEMAS]
    assert {it["kind"] for it in found} == KEDA_SCHEMAS.keys() - {"source"}
    for thing in found:
        jsonschema.validate(thing, strictly(KEDA_SCHEMAS[thing["kind"]]))
    with pytest.raises(jsonschema.ValidationError, match="maxReplicas"):
        jsonschema.validate(
            {**thing, "spec": {**thing["spec"], "maxReplicas": 1}}, strictly(KEDA_SCHEMAS[thing["kind"]])
        )


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
    assert {name: files for name, files in SECRETS.items() if files} == {
        name: files for name, files in made.items() if name != "keda"
    }
    (authentication,) = (it for it in rendered("fleet") if it["kind"] == "TriggerAuthentication")
    (reference,) = authentication["spec"]["secretTargetRef"]
    assert reference == {"parameter": "connection", "name": "keda", "key": "database_url"}
    assert "create secret generic keda --from-file=database_url=secrets/keda_database_url" in page


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
    asked = {component: container.get("livenessProbe") for component, _, container in containers("fleet")}
    assert asked["api"]["httpGet"]["path"] == "/healthz"
    assert asked["worker"]["exec"]["command"] == ["python", "-m", "worker.health"]
    assert "tcpSocket" in asked["egress"]
    assert asked["scheduler"] is asked["migrations"] is None


def test_a_worker_for_one_job_is_like_one_that_stays() -> None:
    def common(kind: str, of_its_own: Mapping[str, str]) -> Thing:
        (thing,) = (
            it for it in rendered("fleet") if it["kind"] == kind and it["metadata"]["name"] in of_its_own
        )
        template = template_of(thing)
        assert template is not None
        pod = {**template["spec"]}
        (container,) = pod.pop("containers")
        pod["volumes"] = [volume for volume in pod["volumes"] if volume["name"] != "data"]
        own = {"nodeSelector", "restartPolicy"}
        env = [it for it in container["env"] if it["name"] not in ("PRUNESERVE_QUEUES", "PRUNESERVE_DEVICE")]
        container = {**container, "env": env}
        return {
            "pod": {name: value for name, value in pod.items() if name not in own},
            "container": {name: it for name, it in container.items() if name not in ("args", "resources")},
        }

    assert common("StatefulSet", "worker-gpu-24g") == common("ScaledJob", "worker-gpu-80g")
    assert [
        container["args"] for _, pod, container in containers("fleet") if pod.get("restartPolicy") == "Never"
    ] == [["pruneserve-worker", "--one-job"]] * 2


def workers_of_the_fleet() -> dict[str, tuple[Thing, Thing, Thing]]:
    """By class: the thing itself, its pod, its container."""
    found = {}
    for thing in rendered("fleet"):
        template = template_of(thing)
        if template and template["metadata"]["labels"]["app.kubernetes.io/component"] == "worker":
            (container,) = template["spec"]["containers"]
            found[environment(container)["PRUNESERVE_QUEUES"]] = thing, template["spec"], container
    return found


def test_each_class_is_on_its_machines_and_scaled_by_its_own_jobs() -> None:
    workers = workers_of_the_fleet()
    assert set(workers) == {"cpu", "gpu.24g", "gpu.80g", "gpu.2x80g"}
    scaled = [it for it in rendered("fleet") if it["kind"] in ("ScaledObject", "ScaledJob")]
    assert len(scaled) == len(workers)
    by_name = {(it["kind"], it["metadata"]["name"]): it for it in rendered("fleet")}
    for name, (thing, pod, container) in workers.items():
        (trigger,) = (it for it in scaled if it["metadata"]["labels"]["pruneserve/class"] == name)
        query = trigger["spec"]["triggers"][0]["metadata"]["query"]
        assert f"$class${name}$class$, $kind${trigger['kind']}$kind$" in query
        if trigger["kind"] == "ScaledObject":
            target = trigger["spec"]["scaleTargetRef"]
            assert by_name[target["kind"], target["name"]] is thing
            assert "replicas" not in thing["spec"], "it would be set back at every upgrade"
        else:
            assert trigger is thing
            assert thing["spec"]["rollout"] == {"strategy": "gradual"}, "an upgrade would end running jobs"
        gpus = int(container["resources"]["limits"].get("nvidia.com/gpu", 0))
        assert pod.get("nodeSelector") == ({"pruneserve/class": name} if gpus else None)
        device = environment(container)["PRUNESERVE_DEVICE"]
        assert device == {0: "cpu", 1: "cuda", 2: "cuda:0,cuda:1"}[gpus]


def test_a_pod_is_given_what_the_query_says_that_its_class_has() -> None:
    for name, (thing, pod, container) in workers_of_the_fleet().items():
        said = SAID[name]
        limits = container["resources"]["limits"]
        assert said.gpus == int(limits.get("nvidia.com/gpu", 0))
        memory = bytes_of(limits["memory"])
        assert 0.95 * 0.9 * memory <= said.host_bytes <= 0.9 * memory, "nine tenths of it are a job's"
        claims = [*thing["spec"].get("volumeClaimTemplates", ())]
        claims += [it["ephemeral"]["volumeClaimTemplate"] for it in pod["volumes"] if "ephemeral" in it]
        (claim,) = claims
        volume = bytes_of(claim["spec"]["resources"]["requests"]["storage"])
        assert 0.75 * volume <= said.scratch_bytes <= 0.9 * volume, "a file system takes some"
        if said.gpus:
            assert class_of(said) == name
            assert class_of(said.model_copy(update={"device_bytes": said.device_bytes - 1})) != name


def bytes_of(quantity: str) -> int:
    units = {"Gi": 2**30, "Ti": 2**40}
    return int(quantity[:-2]) * units[quantity[-2:]]


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


QUERY = (KUBERNETES / "overlays" / "fleet" / "waiting-for-a-class.sql").read_text()
SAID = {
    name: Capacity(
        gpus=int(gpus),
        device_bytes=int(device),
        host_bytes=int(float(host)),
        scratch_bytes=int(float(scratch)),
    )
    for name, gpus, device, host, scratch in re.findall(
        r"^  \(\d, '(\S+)', (\d), (\d+), (\d+e9), (\d+e9), \w+\)", QUERY, re.MULTILINE
    )
}
