"""The files under ci/, as GitHub and GitLab read them."""

from collections.abc import Iterator
from pathlib import Path

import yaml

CI = Path(__file__).parents[3] / "ci"
ACTION = yaml.safe_load((CI / "github" / "action.yml").read_text())
SPEC, COMPONENT = yaml.safe_load_all((CI / "gitlab" / "pruneserve.yml").read_text())
(TEMPLATE,) = COMPONENT.values()


def scripts() -> Iterator[str]:
    for step in ACTION["runs"]["steps"]:
        yield step["run"]
    yield from TEMPLATE["script"]
