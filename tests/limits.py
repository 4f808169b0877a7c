"""Other `jobs.limits` for processes that a test starts."""

import json
from collections.abc import Mapping

_VARIABLE = "PRUNESERVE_TEST_LIMITS"


def with_limits(environment: Mapping[str, str] | None = None, /, **values: float) -> dict[str, str]:
    """Return the variable that gives a process these limits, in addition to those of `environment`."""
    before = json.loads((environment or {}).get(_VARIABLE, "{}"))
    return {_VARIABLE: json.dumps(before | values)}
