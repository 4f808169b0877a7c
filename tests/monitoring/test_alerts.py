"""Each alert fires on what real processes serve once its fault is injected, and none does before."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.conftest import PARTS, Run
from tests.monitoring.promql import Evaluation
from tests.monitoring.scrapes import STEP_SECONDS, History, as_promtool_series

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

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian's package of that name)"
)


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


def firing_series(alert: str) -> str:
    return f'ALERTS{{alertname="{alert}",alertstate="firing"}}'


@needs_promtool
def test_promtool_finds_the_same(run: Run, tmp_path: Path) -> None:
    groups = [
        {
            "name": name,
            "interval": "1m",
            "input_series": list(as_promtool_series(history.series())),
            "promql_expr_test": [
                {
                    "expr": f"(count({firing_series(alert)}) or vector(0)) > bool 0",
                    "eval_time": f"{minute}m",
                    "exp_samples": [{"labels": "{}", "value": firing}],
                }
                for alert in alerts
                for minute, firing in ((HEALTHY_MINUTES - 1, 0), (moment(alert), 1))
            ],
        }
        for name, history, alerts in (
            ("faulty", histories(run)["PruneServeJobsFail"], sorted(ALERTS.keys() - {"PruneServePartDown"})),
            ("dead", histories(run)["PruneServePartDown"], ["PruneServePartDown"]),
        )
    ]
    (tmp_path / "test.yml").write_text(
        yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": groups})
    )
    done = subprocess.run(
        ["promtool", "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_accepts_the_rules_and_the_configuration() -> None:
    for command in (["check", "rules", RULES], ["check", "config", MONITORING / "prometheus.yml"]):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


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
