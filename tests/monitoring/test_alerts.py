"""Each alert has an entry in the runbook, and every part is scraped."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.conftest import PARTS

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
RULES = MONITORING / "alerts.yml"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}
PAGE = (MONITORING.parents[1] / "docs" / "monitoring.md").read_text()


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
