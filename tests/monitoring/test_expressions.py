"""The expressions of alerts and dashboard parse, and name metrics, labels and values that there are.

promql-parser says what an expression consists of, and the catalogue what there is.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client import ProcessCollector
from promql_parser import AggregateExpr, BinaryExpr, Expr, Matcher, MatchOp, VectorSelector

from jobs.monitoring.catalogue import GAUGES, JOBS, METRICS, MOVES, WORKERS
from jobs.queue.overview import WorkerState
from jobs.states import JobState
from tests.monitoring.conftest import CATALOGUE, ENDINGS, TARGET_LABELS

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
ALERTS = {
    f"alert {rule['alert']}": rule["expr"]
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}
DASHBOARD = {
    f"panel {panel['title']}, {number}": re.sub(r"\$__\w+", "5m", target["expr"])
    for panel in json.loads((MONITORING / "grafana-dashboard.json").read_text())["panels"]
    for number, target in enumerate(panel.get("targets", ()))
}
EXPRESSIONS = ALERTS | DASHBOARD

OF_OTHERS = {"up", *(s.name for family in ProcessCollector(registry=None).collect() for s in family.samples)}

# The values of labels that are known beforehand.
VALUES: dict[tuple[str, str], Iterable[str]] = {
    (f"{name}{ending}", label): values
    for name, metric in METRICS.items()
    for ending in ENDINGS[metric.kind]
    for label, values in metric.labels.items()
    if values
} | {(MOVES.name, "state"): JobState, (JOBS.name, "state"): JobState, (WORKERS.name, "state"): WorkerState}


def parts(expression: Expr) -> list[Expr]:
    found: list[Expr] = []
    promql_parser.walk(expression, found.append)
    return found


def selectors(expression: Expr) -> list[VectorSelector]:
    return [part for part in parts(expression) if isinstance(part, VectorSelector)]


def named_labels(part: Expr) -> list[str]:
    """What `by`, `without`, `on`, `ignoring`, `group_left` and `group_right` of this part name."""
    if isinstance(part, AggregateExpr):
        return part.modifier.labels if part.modifier else []
    if isinstance(part, BinaryExpr) and part.modifier:
        matching = part.modifier.matching
        return [*(matching.labels if matching else ()), *(part.modifier.group_labels or ())]
    return []


def matches(matcher: Matcher, value: str) -> bool:
    """Whether a value is one that a matcher is about: that it takes, or leaves out."""
    if matcher.op in (MatchOp.Equal, MatchOp.NotEqual):
        return matcher.value == value
    return re.fullmatch(matcher.value, value) is not None


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_names_metrics_labels_and_values_that_there_are(name: str) -> None:
    expression = promql_parser.parse(EXPRESSIONS[name])
    assert selectors(expression)
    for part in parts(expression):
        wanted = set(named_labels(part))
        for selector in selectors(part):
            assert selector.name in CATALOGUE.keys() | OF_OTHERS
            there = CATALOGUE.get(selector.name, set()) | TARGET_LABELS
            assert wanted | {matcher.name for matcher in selector.matchers.matchers} <= there
            for matcher in selector.matchers.matchers:
                known = VALUES.get((selector.name, matcher.name))
                assert known is None or any(matches(matcher, value) for value in known), matcher.value


def test_jobs_that_fit_nowhere_while_no_worker_takes_any_are_critical() -> None:
    """With the last worker of a queue its jobs come to the queue `none`."""
    expression = promql_parser.parse(ALERTS["alert PruneServeQueueWithoutWorkers"])
    assert isinstance(expression, BinaryExpr)
    assert str(expression.op) == "or"
    without = expression.rhs
    assert isinstance(without, BinaryExpr)
    assert str(without.op) == "unless"
    (jobs,), (workers,) = selectors(without.lhs), selectors(without.rhs)
    assert [it.value for it in jobs.matchers.matchers if it.name == "queue"] == ["none"]
    assert (jobs.name, workers.name, named_labels(without)) == (JOBS.name, WORKERS.name, [])


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {each.name for it in DASHBOARD.values() for each in selectors(promql_parser.parse(it))}
    assert {
        name
        for name, metric in METRICS.items()
        if shown.isdisjoint(f"{name}{ending}" for ending in ENDINGS[metric.kind])
    } | (GAUGES.keys() - shown) == set()
