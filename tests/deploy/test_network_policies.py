"""The network policies of the Kubernetes manifests: who reaches what."""

from ipaddress import ip_address, ip_network

import pytest

from jobs.webhooks import url_policy
from tests.deploy.test_kubernetes import SECRETS, Thing, rendered

ELSEWHERE = (
    *(
        "8.8.8.8",
        "2606:4700::1111",
        "2a00:1450::1",
    ),  # and of IPv6, what is not a unicast address of the internet:
    *("::", "::1", "64:ff9b::808:808", "64:ff9b:1::1", "fc00::1", "fd00::1", "fe80::1", "ff02::1"),
)


def policies(kind: str) -> dict[str, list[Thing]]:
    """By component the rules that hold for it, of one direction."""
    found: dict[str, list[Thing]] = {component: [] for component in SECRETS}
    for thing in rendered("cpu"):
        if thing["kind"] != "NetworkPolicy":
            continue
        selector = thing["spec"]["podSelector"]
        values = set(SECRETS) if not selector else set()
        values |= set(selector.get("matchLabels", {}).values())
        for expression in selector.get("matchExpressions", ()):
            assert expression["operator"] == "In"
            values |= set(expression["values"])
        for component in values:
            found[component] += thing["spec"].get(kind, [])
    return found


@pytest.mark.threat
def test_a_part_reaches_only_what_it_must() -> None:
    (default,) = (it for it in rendered("cpu") if it["metadata"]["name"] == "nothing-but-names")
    assert default["spec"]["podSelector"] == {}
    assert set(default["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    ports = {
        component: {each["port"] for rule in rules for each in rule["ports"]}
        for component, rules in policies("egress").items()
    }
    assert ports == {
        "migrations": {53, 5432},
        "api": {53, 5432, 9000, 443},
        "scheduler": {53, 5432, 6379, 9000, 443},
        "worker": {53, 5432, 6379, 9000, "proxy"},
        "egress": {53, 443},
    }
    for rules in policies("egress").values():
        for rule in rules:
            assert rule.get("to"), "a rule without an address is for every address"
            if any("ipBlock" in it and not ip_network(it["ipBlock"]["cidr"]).is_private for it in rule["to"]):
                assert [each["port"] for each in rule["ports"]] == [443]


@pytest.mark.threat
def test_names_are_asked_of_the_clusters_dns_alone() -> None:
    for rules in policies("egress").values():
        (names,) = (rule for rule in rules if any(each["port"] == 53 for each in rule["ports"]))
        (server,) = names["to"]
        assert server == {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }, "both in one entry: pods that are called so, of that namespace"


@pytest.mark.threat
def test_what_is_outside_is_what_webhooks_may_reach() -> None:
    """At both ends of each range that url_policy refuses, just outside them, and elsewhere."""
    (policy,) = (it for it in rendered("cpu") if it["metadata"]["name"] == "to-outside")
    (rule,) = policy["spec"]["egress"]
    blocks = [
        (ip_network(it["ipBlock"]["cidr"]), [ip_network(each) for each in it["ipBlock"]["except"]])
        for it in rule["to"]
    ]
    for whole, parts in blocks:
        assert all(part[0] in whole and part[-1] in whole for part in parts), (
            "Kubernetes refuses such a policy"
        )
    samples = set(map(ip_address, ELSEWHERE))
    for network in (*url_policy._SPECIAL, url_policy._UNICAST):
        samples |= {network[0], network[-1]}
        if int(network[0]) > 0:
            samples.add(network[0] - 1)
        if int(network[-1]) + 1 < 2**network.max_prefixlen:
            samples.add(network[-1] + 1)
    reached = {
        address
        for address in samples
        for whole, parts in blocks
        if address in whole and not any(address in part for part in parts)
    }
    assert reached == {address for address in samples if url_policy.is_public(address)}
    assert len(reached) > 20


@pytest.mark.threat
def test_a_part_is_reached_only_by_parts_that_need_it() -> None:
    found = policies("ingress")
    assert [
        rule.get("from") for rule in found["api"] if {"port": "http", "protocol": "TCP"} in rule["ports"]
    ] == [None]
    (rule,) = found["egress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/component": "worker"}}}]
    for component in ("api", "scheduler", "worker"):
        (figures,) = (rule for rule in found[component] if rule["ports"][0]["port"] == "metrics")
        assert [[*it] for it in figures["from"]] == [["namespaceSelector"]]
    assert found["migrations"] == []
