"""A job as a new request: the shortest one, and whether the same one would fail again."""

from typing import Any

from pydantic import ValidationError

from api.schemas.job_requests import JobRequest
from jobs.spec.job import JobSpec
from jobs.states import Cause, JobState
from jobs.tables import Job
from pruning.recipe import PRESETS, Calibration, StructureOptions
from pruning.recipe.exports import Export, parse_exports

_PRESET_FIELDS = ("method", "pattern", "calibration")  # what a preset's options follow from


def request_body(spec: JobSpec, metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the shortest request for this job.

    `metadata`: the fields of the request that are not in the specification.
    """
    if spec.method_name in PRESETS:
        named = _shortest_for(spec, metadata, spec.method_name)
        try:
            if JobRequest.model_validate(named).spec() == spec:
                return named
        except ValidationError:  # the preset does not go with another field
            pass
    return _shortest_for(spec, metadata, None)


def _shortest_for(spec: JobSpec, metadata: dict[str, Any], preset: str | None) -> dict[str, Any]:
    fields = spec.as_request() | metadata
    model, structure, sparsity = (fields.pop(name) for name in ("model", "structure", "sparsity"))
    fields["exports"] = [_shortest_export(export) for export in spec.exports]
    if fields["gate"] is not None:
        fields["gate"] = {name: limit for name, limit in fields["gate"].items() if limit not in (None, {})}
    method, norms = fields["method"], fields.pop("norms")
    what: dict[str, Any] = {} if structure is None else {"structure": _without_defaults(structure)}
    if norms:
        what["norms"] = norms
    if method is not None:
        what |= {"method": preset or method["name"]} | ({"sparsity": sparsity} if spec.recipe.masks else {})
    given = {name: fields[name] for name in _PRESET_FIELDS} | what
    default = JobRequest.model_validate({"model": "any/model", **given}).model_dump(mode="json")
    if method is not None and preset is None and (options := _differences(method, default["method"])):
        what["method"] = {"name": method["name"], **options}
    plain = {"pattern": "unstructured", "calibration": Calibration().model_dump(mode="json")}
    del fields["method"]
    return {
        "model": model["id"] if model["revision"] is None else model,
        **what,
        **_differences(fields, default | plain),
    }


def _shortest_export(export: Export) -> str | dict[str, Any]:
    """Return the name of an export, or its options where they differ from what the name stands for."""
    return export.name if parse_exports([export.name]) == (export,) else export.model_dump(mode="json")


def _without_defaults(structure: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a structure that differ from their defaults."""
    fields = StructureOptions.model_fields
    return {name: value for name, value in structure.items() if value != fields[name].default}


def _differences(value: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    """Return what differs from the default, also within objects; an object with a name is returned whole."""
    different: dict[str, Any] = {}
    for name, inner in value.items():
        usual = default.get(name)
        if inner != usual:
            both = isinstance(inner, dict) and isinstance(usual, dict) and "name" not in inner
            different[name] = _differences(inner, usual) if both and usual else inner
    return different


def failed_by_request(job: Job) -> bool:
    """Whether the same request would fail again: it has to be changed."""
    return job.state == JobState.FAILED and (job.error or {}).get("cause") == Cause.REQUEST
