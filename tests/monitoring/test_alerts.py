"""Each alert fires on what real processes serve once its fault is injected, and none does before."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.conftest import PARTS, Run
from tests.monitoring.promql import Evaluation
from tests.monitoring.scrapes import STEP_SECONDS, History

pytestmark = pytest.mark.timeout(1200)  # the run is made in the first test that asks for it

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
RULES = MONITORING / "alerts.yml"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}
PAGE = (MONITORING.parents[1] / "docs" / "monitoring.md").read_text()
HEALTHY_MINUTES = (
    65  # more than the longest range, so that what happened before the healthy state is out of it
)
FAULTY_MINUTES = 20


def histories(run: Run) -> dict[str, History]:
    """Return the history that each alert is evaluated on."""
    faulty = History(run.healthy, HEALTHY_MINUTES, run.faulty, FAULTY_MINUTES)
    dead = History(run.healthy, HEALTHY_MINUTES, (run.dead,), FAULTY_MINUTES)
    return {alert: dead if alert == "PruneServePartDown" else faulty for alert in ALERTS}


def moment(alert: str) -> int:
    """Return the minute by which an alert must fire: when the fault has lasted for its `for` and a little."""
    until_noticed = 3 if "time()" in ALERTS[alert]["expr"] else 1
    return HEALTHY_MINUTES + int(ALERTS[alert].get("for", "0m").removesuffix("m")) + until_noticed


def is_firing(alert: str, history: History, minute: int) -> bool:
    """Evaluate the rule as Prometheus does: it fires once its expression has held for its `for`."""
    series = history.series()
    duration = int(ALERTS[alert].get("for", "0m").removesuffix("m"))
    return all(
        bool(Evaluation(series, at=float(at * STEP_SECONDS))(ALERTS[alert]["expr"]))
        for at in range(minute - duration, minute + 1)
    )


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_once_its_fault_is_there_and_not_before(run: Run, alert: str) -> None:
    history = histories(run)[alert]
    assert not is_firing(alert, history, HEALTHY_MINUTES - 1)
    assert is_firing(alert, history, moment(alert))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_an_entry_in_the_runbook(alert: str) -> None:
    assert ALERTS[alert]["annotations"]["runbook"] == f"docs/monitoring.md#{alert.lower()}"
    entry = re.search(rf"^### {alert}\n\n(.+?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert entry is not None
    assert len(entry[1].split()) > 20


def test_the_runbook_has_no_entry_of_an_alert_that_is_gone() -> None:
    assert set(re.findall(r"^### (PruneServe\w+)$", PAGE, re.MULTILINE)) == ALERTS.keys()


def test_the_configuration_scrapes_every_part() -> None:
    jobs = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in jobs} == {f"pruneserve-{part}" for part in PARTS}
