"""Writes commands that submit a job again: with curl, and with `pruneserve run`."""

import json
import shlex
from typing import Any

from api.schemas.jobs.requests import JobRequest
from jobs.spec.job import JobSpec
from pruning.recipe import StructureOptions


def request_body(spec: JobSpec, beside: dict[str, Any]) -> dict[str, Any]:
    """Return the shortest request for this job: only what differs from the defaults.

    `beside`: the fields of the request that are not in the specification.
    """
    fields = spec.as_request() | beside
    model, structure, sparsity = (fields.pop(name) for name in ("model", "structure", "sparsity"))
    method, norms = fields.pop("method"), fields.pop("norms")
    what: dict[str, Any] = {} if structure is None else {"structure": _shortened(structure)}
    if norms:
        what["norms"] = norms
    if method is not None:
        what |= {"method": method["name"], "sparsity": sparsity}
    default = JobRequest.model_validate({"model": "any/model", **what}).model_dump(mode="json")
    if method is not None and (options := _different(method, default["method"])):
        what["method"] = {"name": method["name"], **options}
    return {
        "model": model["id"] if model["revision"] is None else model,
        **what,
        **_different(fields, default),
    }


def _shortened(structure: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a structure that differ from their defaults."""
    fields = StructureOptions.model_fields
    return {name: value for name, value in structure.items() if value != fields[name].default}


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
        f"PRUNESERVE_URL={shlex.quote(server)} pruneserve run --recipe - <<'END'\n"
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
