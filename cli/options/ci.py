"""The CI job that a command runs in, from the environment variables of GitHub Actions and GitLab CI."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# The variables that identify one attempt of one CI job. GitLab gives a retried job a new id.
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
    """Return a key that is the same for the same request in the same CI attempt; None outside of CI."""
    for system, names in _ATTEMPT.items():
        if environment.get(system) == "true":
            values = [environment.get(name, "") for name in names]
            return "ci-" + hashlib.sha256(json.dumps([system, values, body]).encode()).hexdigest()
    return None
