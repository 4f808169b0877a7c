"""Writes commands that submit a job again: with curl, and with `pruneserve run`."""

import json
import shlex
from typing import Any

from api.schemas.jobs import JobRequest
from jobs.spec.job import JobSpec


def request_body(spec: JobSpec, labels: dict[str, str]) -> dict[str, Any]:
    """Return the shortest request for this job: only what differs from the defaults."""
    fields = spec.as_request()
    name = fields["method"]["name"]
    least = JobRequest.model_validate({"model": "any/model", "method": name, "sparsity": fields["sparsity"]})
    default = least.model_dump(mode="json")
    options = _different(fields.pop("method"), default["method"])
    model = fields.pop("model")
    return {
        "model": model["id"] if model["revision"] is None else model,
        "method": {"name": name, **options} if options else name,
        "sparsity": fields.pop("sparsity"),
        **_different(fields, default),
        **({"labels": labels} if labels else {}),
    }


def curl(body: dict[str, Any], server: str) -> str:
    """Write the request with curl. The key comes from the environment."""
    return (
        f"curl -sS --fail-with-body {shlex.quote(f'{server}/v1/jobs')} \\\n"
        f'  -H "Authorization: Bearer $PRUNESERVE_API_KEY" \\\n'
        f"  --json {shlex.quote(json.dumps(body, ensure_ascii=False))}"
    )


def run(body: dict[str, Any], server: str) -> str:
    """Write the request with the command line, which waits for the job to end."""
    # JSON strings have no line breaks, so no line can be the end mark.
    return (
        f"PRUNESERVE_URL={shlex.quote(server)} pruneserve run --file - <<'END'\n"
        f"{json.dumps(body, indent=2, ensure_ascii=False)}\nEND"
    )


def _different(value: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    """Return what differs from the default, also within objects; an object with a name is returned whole."""
    different: dict[str, Any] = {}
    for name, inner in value.items():
        usual = default.get(name)
        if inner != usual:
            both = isinstance(inner, dict) and isinstance(usual, dict) and "name" not in inner
            different[name] = _different(inner, usual) if both and usual else inner
    return different
