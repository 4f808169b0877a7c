"""What a CI system says about the run that a command is part of."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# What names one attempt of one job of a pipeline. GitLab gives a retried job a new id.
_ATTEMPT = {
    "GITHUB_ACTIONS": (
        "GITHUB_SERVER_URL",
        "GITHUB_REPOSITORY",
        "GITHUB_SHA",
        "GITHUB_RUN_ID",
        "GITHUB_RUN_ATTEMPT",
        "GITHUB_JOB",
        "GITHUB_ACTION",
    ),
    "GITLAB_CI": ("CI_SERVER_URL", "CI_PROJECT_PATH", "CI_COMMIT_SHA", "CI_JOB_ID"),
}


def idempotency_key(environment: Mapping[str, str], body: Mapping[str, Any]) -> str | None:
    """The same for the same request in the same attempt, when its step is run again. None outside of CI."""
    for system, names in _ATTEMPT.items():
        if environment.get(system) == "true":
            facts = [environment.get(name, "") for name in names]
            return "ci-" + hashlib.sha256(json.dumps([system, facts, body]).encode()).hexdigest()
    return None
